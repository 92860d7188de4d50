// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A TLS session with its credentials, made from files and environment.
 * For the one-call functions; others bring a session of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* struct quic_config.payload_cipher_type, by the numbers of <linux/tls.h>. */
static const char *const cipher_name[] = {
	[51] = "AES-128-GCM",
	[52] = "AES-256-GCM",
	[53] = "AES-128-CCM",
	[54] = "CHACHA20-POLY1305",
};

/* RFC9001-4.2-1 RFC9001-4.2-2 RFC9001-8.4-1 */
/* Only the cipher that the socket's configuration asks for, if it does. */
static void make_priority(int fd, char *buf, size_t size)
{
	struct quic_config config = { .payload_cipher_type = 0 };
	socklen_t len = sizeof(config);
	const char *name = NULL;
	uint32_t type;

	if (!getsockopt(fd, SOL_QUIC, QUIC_SOCKOPT_CONFIG, &config, &len)) {
		type = config.payload_cipher_type;
		if (type < sizeof(cipher_name) / sizeof(cipher_name[0]))
			name = cipher_name[type];
	}
	snprintf(buf, size, "%s%s%s", QUIC_PRIORITY,
		 name ? ":-CIPHER-ALL:+" : "", name ? name : "");
}

/* RFC9000-7-1 */
int quic_tls_init(struct quic_tls *tls, int fd, unsigned int flags)
{
	char priority[QUIC_PRIORITY_MAX];
	int ret;

	memset(tls, 0, sizeof(*tls));
	ret = gnutls_init(&tls->session, flags);
	if (ret < 0)
		return quic_error_tls(ret, "making a TLS session");
	make_priority(fd, priority, sizeof(priority));
	ret = gnutls_priority_set_direct(tls->session, priority, NULL);
	if (ret < 0)
		return quic_error_tls(ret, "TLS priority \"%s\"", priority);
	gnutls_transport_set_int(tls->session, fd);
	return 0;
}

/* GnuTLS says "error reading file" for every reason there is. */
static int check_readable(const char *file)
{
	return access(file, R_OK) ? quic_error_sys(-errno, "%s", file) : 0;
}

/* ---- pre-shared keys ------------------------------------------------------ */

/* The first line "identity:hexkey" of a file; comments and empty lines do not
 * count.  @line is modified; *pkey points into it.
 */
static int read_psk(FILE *stream, char **pline, size_t *psize, char **pkey)
{
	char *colon;

	while (getline(pline, psize, stream) >= 0) {
		(*pline)[strcspn(*pline, "\r\n")] = '\0';
		if (!**pline || **pline == '#')
			continue;
		colon = strchr(*pline, ':');
		if (!colon || colon == *pline || !colon[1])
			return -EINVAL;
		*colon = '\0';
		*pkey = colon + 1;
		return 0;
	}
	return -EINVAL;
}

static int load_client_psk(struct quic_tls *tls, const char *file)
{
	gnutls_datum_t hex;
	char *line = NULL;
	size_t size = 0;
	FILE *stream;
	char *key;
	int ret;

	stream = fopen(file, "re");
	if (!stream)
		return quic_error_sys(-errno, "%s", file);
	ret = read_psk(stream, &line, &size, &key);
	fclose(stream);
	if (ret) {
		quic_error_sys(ret, "%s: no line \"identity:hexkey\"", file);
	} else {
		hex.data = (unsigned char *)key;
		hex.size = strlen(key);
		ret = gnutls_psk_set_client_credentials(tls->psk_client, line,
							&hex,
							GNUTLS_PSK_KEY_HEX);
		if (ret < 0)
			quic_error_tls(ret, "%s", file);
	}
	if (line)
		explicit_bzero(line, size);
	free(line);
	return ret;
}

static int use_client_psk(struct quic_tls *tls, const char *file)
{
	int ret;

	ret = gnutls_psk_allocate_client_credentials(&tls->psk_client);
	if (ret < 0)
		return quic_error_tls(ret, "pre-shared keys");
	ret = load_client_psk(tls, file);
	if (ret < 0)
		return ret;
	ret = gnutls_credentials_set(tls->session, GNUTLS_CRD_PSK,
				     tls->psk_client);
	return ret < 0 ? quic_error_tls(ret, "pre-shared keys") : 0;
}

static int use_server_psk(struct quic_tls *tls, const char *file)
{
	int ret;

	ret = check_readable(file);
	if (ret)
		return ret;
	ret = gnutls_psk_allocate_server_credentials(&tls->psk_server);
	if (ret < 0)
		return quic_error_tls(ret, "pre-shared keys");
	ret = gnutls_psk_set_server_credentials_file(tls->psk_server, file);
	if (ret < 0)
		return quic_error_tls(ret, "%s", file);
	ret = gnutls_credentials_set(tls->session, GNUTLS_CRD_PSK,
				     tls->psk_server);
	return ret < 0 ? quic_error_tls(ret, "pre-shared keys") : 0;
}

int quic_tls_use_psk(struct quic_tls *tls, const char *file, bool is_server)
{
	return is_server ? use_server_psk(tls, file) :
			   use_client_psk(tls, file);
}

/* ---- certificates --------------------------------------------------------- */

static int use_x509(struct quic_tls *tls)
{
	int ret;

	ret = gnutls_certificate_allocate_credentials(&tls->x509);
	if (ret < 0)
		return quic_error_tls(ret, "certificates");
	ret = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE,
				     tls->x509);
	return ret < 0 ? quic_error_tls(ret, "certificates") : 0;
}

static int trust_file(struct quic_tls *tls, const char *file)
{
	int ret;

	ret = check_readable(file);
	if (ret)
		return ret;
	ret = gnutls_certificate_set_x509_trust_file(tls->x509, file,
						     GNUTLS_X509_FMT_PEM);
	return ret < 0 ? quic_error_tls(ret, "SSL_CERT_FILE %s", file) : 0;
}

static int trust_dir(struct quic_tls *tls, const char *dir)
{
	int ret;

	ret = check_readable(dir);
	if (ret)
		return ret;
	ret = gnutls_certificate_set_x509_trust_dir(tls->x509, dir,
						    GNUTLS_X509_FMT_PEM);
	return ret < 0 ? quic_error_tls(ret, "SSL_CERT_DIR %s", dir) : 0;
}

/* @dirs: separated by colons, as OpenSSL has it. */
static int trust_dirs(struct quic_tls *tls, const char *dirs)
{
	char *copy = strdup(dirs), *rest = copy, *dir;
	int ret = 0;

	if (!copy)
		return quic_error_sys(-ENOMEM, "SSL_CERT_DIR");
	while (!ret && (dir = strsep(&rest, ":")))
		if (*dir)
			ret = trust_dir(tls, dir);
	free(copy);
	return ret;
}

/* Whom a client believes: what the environment names, else the system's.
 * Trusting nobody is no error here; the verification will say so.
 */
int quic_tls_use_trust(struct quic_tls *tls)
{
	const char *file = secure_getenv("SSL_CERT_FILE");
	const char *dir = secure_getenv("SSL_CERT_DIR");
	int ret;

	ret = use_x509(tls);
	if (!ret && file && *file)
		ret = trust_file(tls, file);
	if (!ret && dir && *dir)
		ret = trust_dirs(tls, dir);
	if (ret || (file && *file) || (dir && *dir))
		return ret;

	ret = gnutls_certificate_set_x509_system_trust(tls->x509);
	if (ret < 0)
		quic_log(LOG_WARNING, "system's certificate authorities: %s",
			 gnutls_strerror(ret));
	return 0;
}

/* What a server shows. */
int quic_tls_use_key(struct quic_tls *tls, const char *key_file,
		     const char *cert_file)
{
	int ret;

	ret = check_readable(key_file);
	if (!ret)
		ret = check_readable(cert_file);
	if (!ret)
		ret = use_x509(tls);
	if (ret)
		return ret;
	ret = gnutls_certificate_set_x509_key_file2(tls->x509, cert_file,
						    key_file,
						    GNUTLS_X509_FMT_PEM, NULL,
						    0);
	return ret < 0 ? quic_error_tls(ret, "key %s, certificate %s", key_file,
					cert_file) : 0;
}

/* ---- the end --------------------------------------------------------------- */

void quic_tls_free(struct quic_tls *tls)
{
	if (tls->session)
		gnutls_deinit(tls->session);
	if (tls->x509)
		gnutls_certificate_free_credentials(tls->x509);
	if (tls->psk_client)
		gnutls_psk_free_client_credentials(tls->psk_client);
	if (tls->psk_server)
		gnutls_psk_free_server_credentials(tls->psk_server);
}
