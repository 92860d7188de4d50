// SPDX-License-Identifier: GPL-2.0
/*
 * What quic.ko shows and takes as text: the tables of /proc/net/quic and the
 * values of net.quic, both of the network namespace we are in.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "quicctl.h"

#ifndef IPPROTO_QUIC
#define IPPROTO_QUIC	261
#endif

#define COLUMNS_MAX	32

/* ---- tables ------------------------------------------------------------------ */

/* A line of names in capitals; the line is cut up for them. */
static int parse_head(char *line, char **names)
{
	char *name, *rest = line;
	int n = 0;

	while (n < COLUMNS_MAX && (name = strsep(&rest, " \n"))) {
		if (!*name)
			continue;
		for (char *p = name; *p; p++)
			*p = tolower(*p);
		names[n++] = name;
	}
	return n;
}

static json_object *value_of(const char *text)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (isdigit(*text) && !*end && !errno)
		return json_object_new_uint64(n);
	return json_object_new_string(text);
}

/* The last column has all that is left of the line. */
static json_object *parse_row(char *line, char *const *names, int n)
{
	json_object *row = json_object_new_object();
	char *rest = line, *text;

	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < n && rest; i++) {
		text = i < n - 1 ? strsep(&rest, " ") : rest;
		json_object_object_add(row, names[i], value_of(text));
	}
	return row;
}

json_object *proc_table(const char *name)
{
	char path[128], *names[COLUMNS_MAX], *head = NULL, *line = NULL;
	json_object *rows = NULL;
	size_t head_size = 0, size = 0;
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "/proc/thread-self/net/quic/%s", name);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	if (getline(&head, &head_size, file) > 0) {
		n = parse_head(head, names);
		rows = json_object_new_array();
		while (getline(&line, &size, file) > 0)
			json_object_array_add(rows, parse_row(line, names, n));
	}
	fclose(file);
	free(line);
	free(head);
	return rows;
}

/* ---- values -------------------------------------------------------------------- */

static int open_sysctl(const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/quic/%s", name);
	return open(path, flags | O_CLOEXEC);
}

bool sysctl_get(const char *name, char *value, size_t size)
{
	int fd = open_sysctl(name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, value, size - 1);
	close(fd);
	if (n < 0)
		return false;
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return true;
}

bool sysctl_set(const char *name, const char *value)
{
	int fd = open_sysctl(name, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, value, strlen(value));
	close(fd);
	return n >= 0;
}

/* ---- where ---------------------------------------------------------------------- */

bool proc_load_module(void)
{
	int fd;

	if (!access("/proc/thread-self/net/quic", F_OK))
		return true;
	fd = socket(AF_INET, SOCK_STREAM, IPPROTO_QUIC);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool proc_enter_netns(const char *name)
{
	char path[128];
	int fd, err;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(strchr(name, '/') ? name : path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	err = setns(fd, CLONE_NEWNET);
	close(fd);
	return !err;
}
