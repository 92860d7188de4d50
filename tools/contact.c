// SPDX-License-Identifier: GPL-2.0
/*
 * What a client brings to its first packet: a version of QUIC, and a token that
 * an earlier connection has earned.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"

#define TOKEN_MAX	120	/* of the socket option */

/* The file may not be there yet, and what is in it may be too old: then the
 * server asks for proof, which costs a round trip.
 */
static bool load_token(struct conn *c)
{
	char token[TOKEN_MAX];
	int fd = open(c->token_file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT;
	n = read(fd, token, sizeof(token));
	close(fd);
	if (n < 0)
		return false;
	return !n || !setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_TOKEN, token, n);
}

static bool set_version(struct conn *c, uint32_t version)
{
	struct quic_config config = { .version = version };

	return !version || !setsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_CONFIG,
				       &config, sizeof(config));
}

bool contact_begin(struct conn *c)
{
	return set_version(c, c->want_version) &&
	       (!c->token_file || load_token(c));
}

bool contact_connected(struct conn *c)
{
	return set_version(c, c->better_version);
}

bool contact_end(struct conn *c)
{
	char token[TOKEN_MAX];
	socklen_t len = sizeof(token);
	bool good;
	int fd;

	if (!c->token_file || !c->opened || c->fd < 0 ||
	    getsockopt(c->fd, SOL_QUIC, QUIC_SOCKOPT_TOKEN, token, &len) ||
	    !len)
		return true;
	fd = open(c->token_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		  0600);
	if (fd < 0)
		return false;
	good = write(fd, token, len) == (ssize_t)len;
	return !close(fd) && good;
}
