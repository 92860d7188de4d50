// SPDX-License-Identifier: GPL-2.0
/*
 * TLS for both tools: credentials, sessions, the key log, and errors in words.
 *
 * Owns the GnuTLS objects a program has once.  The handshake itself is
 * libquic's; conn.c drives it.
 */
#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/quic.h>
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "array.h"
#include "session.h"

/* One key log per program.  Global, because libquic may want the session's
 * user pointer for itself.
 */
static int keylog_fd = -1;

static const struct {
	const char *name;
	const char *iana;
	const char *priority;
} ciphers[] = {
	{ "aes-128-gcm", "TLS_AES_128_GCM_SHA256", "AES-128-GCM" },
	{ "aes-256-gcm", "TLS_AES_256_GCM_SHA384", "AES-256-GCM" },
	{ "chacha20-poly1305", "TLS_CHACHA20_POLY1305_SHA256",
	  "CHACHA20-POLY1305" },
	{ "aes-128-ccm", "TLS_AES_128_CCM_SHA256", "AES-128-CCM" },
};

static const char *find_cipher(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		if ((strlen(ciphers[i].name) == n &&
		     !strncasecmp(ciphers[i].name, name, n)) ||
		    (strlen(ciphers[i].iana) == n &&
		     !strncasecmp(ciphers[i].iana, name, n)))
			return ciphers[i].priority;
	}
	return NULL;
}

bool tls_priority(char *out, size_t size, const char *base, const char *list)
{
	/* Pre-shared keys, which are not used here, bring suites of TLS 1.2. */
	int len = snprintf(out, size, "%s:-KX-ALL:-CIPHER-ALL", base);
	bool any = false;

	while (len > 0 && (size_t)len < size && *list) {
		size_t n = strcspn(list, ",:");
		const char *name = find_cipher(list, n);

		if (!name)
			return false;
		len += snprintf(out + len, size - len, ":+%s", name);
		any = true;
		list += n;
		list += *list != '\0';
	}
	return any && len > 0 && (size_t)len < size;
}

static void hex(char *out, const unsigned char *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", data[i]);
}

/* NSS key log format: LABEL <client random> <secret>. */
static int log_secret(gnutls_session_t session, const char *label,
		      const gnutls_datum_t *secret)
{
	gnutls_datum_t client, server;
	char random[2 * 32 + 1], value[2 * 64 + 1], line[256];
	ssize_t n;

	gnutls_session_get_random(session, &client, &server);
	if (client.size > 32 || secret->size > 64)
		return 0;
	hex(random, client.data, client.size);
	hex(value, secret->data, secret->size);
	n = snprintf(line, sizeof(line), "%s %s %s\n", label, random, value);
	/* One write per line, so that programs can share the file. */
	if (write(keylog_fd, line, n) != n)
		return 0;	/* a full disk must not stop the handshake */
	return 0;
}

static const char *open_keylog(const char *path)
{
	if (!path)
		path = getenv("SSLKEYLOGFILE");
	if (!path || !*path)
		return NULL;
	keylog_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return keylog_fd < 0 ? "the key log cannot be opened" : NULL;
}

/* ---- credentials ----------------------------------------------------------- */

struct tls_cred {
	gnutls_certificate_credentials_t x509;
	atomic_uint refs;
};

static struct tls_cred *new_cred(void)
{
	struct tls_cred *cred = calloc(1, sizeof(*cred));

	if (!cred)
		return NULL;
	cred->refs = 1;
	if (!gnutls_certificate_allocate_credentials(&cred->x509))
		return cred;
	free(cred);
	return NULL;
}

void tls_put(struct tls_cred *cred)
{
	if (!cred || --cred->refs)
		return;
	gnutls_certificate_free_credentials(cred->x509);
	free(cred);
}

struct tls_cred *tls_get(struct tls *tls)
{
	struct tls_cred *cred;

	pthread_mutex_lock(&tls->lock);
	cred = tls->cred;
	cred->refs++;
	pthread_mutex_unlock(&tls->lock);
	return cred;
}

static const char *init(struct tls *tls, const struct tls_options *o,
			const char *const *alpns)
{
	const char *why = open_keylog(o->keylog);

	if (why)
		return why;
	pthread_mutex_init(&tls->lock, NULL);
	tls->cred = new_cred();
	if (!tls->cred)
		return "out of memory";
	tls->alpns = alpns;
	tls->insecure = o->insecure;
	tls->early_data = o->early_data;
	if (!o->ciphers)
		snprintf(tls->priority, sizeof(tls->priority), "%s",
			 QUIC_PRIORITY);
	else if (!tls_priority(tls->priority, sizeof(tls->priority),
			       QUIC_PRIORITY, o->ciphers))
		return "the cipher list has an unknown name";
	return NULL;
}

const char *tls_client_init(struct tls *tls, const struct tls_options *o,
			    const char *const *alpns)
{
	const char *why = init(tls, o, alpns);
	int ret;

	if (why)
		return why;
	if (o->insecure)
		return NULL;
	if (o->ca)
		ret = gnutls_certificate_set_x509_trust_file(tls->cred->x509,
						o->ca, GNUTLS_X509_FMT_PEM);
	else
		ret = gnutls_certificate_set_x509_system_trust(tls->cred->x509);
	/* No system trust is no error yet: the server's name tells later. */
	if (o->ca && ret <= 0)
		return ret ? gnutls_strerror(ret) :
			     "the CA file has no certificate";
	return NULL;
}

static const char *load(struct tls_cred *cred, const struct tls_options *o)
{
	int ret;

	if (o->cert)
		ret = gnutls_certificate_set_x509_key_file(cred->x509, o->cert,
						o->key, GNUTLS_X509_FMT_PEM);
	else
		ret = cert_self_signed(cred->x509);
	return ret < 0 ? gnutls_strerror(ret) : NULL;
}

const char *tls_server_init(struct tls *tls, const struct tls_options *o,
			    const char *const *alpns)
{
	const char *why = init(tls, o, alpns);

	if (why)
		return why;
	tls->server = true;
	return load(tls->cred, o);
}

const char *tls_server_reload(struct tls *tls, const struct tls_options *o)
{
	struct tls_cred *cred = new_cred(), *old;
	const char *why = cred ? load(cred, o) : "out of memory";

	if (why) {
		tls_put(cred);
		return why;
	}
	pthread_mutex_lock(&tls->lock);
	old = tls->cred;
	tls->cred = cred;
	pthread_mutex_unlock(&tls->lock);
	tls_put(old);
	return NULL;
}

void tls_free(struct tls *tls)
{
	tls_put(tls->cred);
	tls->cred = NULL;
	if (keylog_fd >= 0)
		close(keylog_fd);
	keylog_fd = -1;
}

static bool is_address(const char *host)
{
	struct in6_addr in;

	return inet_pton(AF_INET, host, &in) == 1 ||
	       inet_pton(AF_INET6, host, &in) == 1;
}

static int set_alpn(const struct tls *tls, gnutls_session_t session)
{
	gnutls_datum_t list[TLS_ALPN_MAX];
	unsigned int n = 0;
	unsigned int flags = GNUTLS_ALPN_MANDATORY;

	for (; n < TLS_ALPN_MAX && tls->alpns[n]; n++) {
		list[n].data = (unsigned char *)tls->alpns[n];
		list[n].size = strlen(tls->alpns[n]);
	}
	if (tls->server)
		flags |= GNUTLS_ALPN_SERVER_PRECEDENCE;
	else if (n == 1)	/* libquic insists on the answer, too */
		return quic_session_set_alpn(session, list[0].data,
					     list[0].size);
	return gnutls_alpn_set_protocols(session, list, n, flags);
}

static int set_peer(const struct tls *tls, gnutls_session_t session,
		    const char *host)
{
	int ret;

	if (!is_address(host)) {
		ret = gnutls_server_name_set(session, GNUTLS_NAME_DNS, host,
					     strlen(host));
		if (ret)
			return ret;
	}
	if (!tls->insecure)
		gnutls_session_set_verify_cert(session, host, 0);
	return 0;
}

int tls_session(const struct tls *tls, const struct tls_cred *cred, int fd,
		const char *host, gnutls_session_t *session)
{
	unsigned int role = tls->server ? GNUTLS_SERVER : GNUTLS_CLIENT;
	int ret;

	if (tls->early_data)
		role |= GNUTLS_ENABLE_EARLY_DATA |
			GNUTLS_NO_END_OF_EARLY_DATA;

	*session = NULL;
	ret = gnutls_init(session, role | GNUTLS_NO_AUTO_SEND_TICKET |
				   GNUTLS_NO_SIGNAL);
	if (ret)
		return ret;
	ret = gnutls_priority_set_direct(*session, tls->priority, NULL);
	if (!ret)
		ret = gnutls_credentials_set(*session, GNUTLS_CRD_CERTIFICATE,
					     cred->x509);
	if (!ret)
		ret = set_alpn(tls, *session);
	if (!ret && !tls->server)
		ret = set_peer(tls, *session, host);
	gnutls_transport_set_int(*session, fd);
	if (!ret && tls->server)
		ret = quic_session_enable_tickets(*session, tls->early_data ?
						  QUIC_TICKETS_EARLY_DATA : 0);
	if (!ret && tls->resume)
		ret = quic_session_set_data(*session, tls->resume->data,
					    tls->resume->size);
	if (ret) {
		gnutls_deinit(*session);
		*session = NULL;
		return ret;
	}
	if (keylog_fd >= 0)
		gnutls_session_set_keylog_function(*session, log_secret);
	return 0;
}

static bool explain_certificate(gnutls_session_t session, char *text,
				size_t size)
{
	unsigned int status = gnutls_session_get_verify_cert_status(session);
	gnutls_datum_t why;

	/* All ones: nothing was verified. */
	if (!status || status == (unsigned int)-1)
		return false;
	if (gnutls_certificate_verification_status_print(status,
							 GNUTLS_CRT_X509, &why,
							 0))
		return false;
	snprintf(text, size, "bad certificate: %s", (const char *)why.data);
	gnutls_free(why.data);
	for (size_t n = strlen(text); n && text[n - 1] == ' '; n--)
		text[n - 1] = '\0';
	return true;
}

void tls_explain(gnutls_session_t session, int err, char *text, size_t size)
{
	if (explain_certificate(session, text, size))
		return;
	snprintf(text, size, "TLS handshake failed: %s", quic_strerror(err));
}

const char *tls_cipher(gnutls_session_t session)
{
	const char *name = gnutls_ciphersuite_get(session);

	return name ? name : "unknown";
}

void tls_alpn(gnutls_session_t session, char *text, size_t size)
{
	gnutls_datum_t name;

	if (gnutls_alpn_get_selected_protocol(session, &name))
		name.size = 0;
	snprintf(text, size, "%.*s", (int)name.size, (const char *)name.data);
}
