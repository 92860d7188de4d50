// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certs.h"

#define DAY	(24 * 60 * 60)

struct certs certs;

static void must(int ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, gnutls_strerror(ret));
	exit(EXIT_FAILURE);
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "w");

	if (!file || fwrite(data, 1, len, file) != len || fclose(file)) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void write_cert(const char *path, gnutls_x509_crt_t crt)
{
	gnutls_datum_t pem;

	must(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), path);
	write_file(path, pem.data, pem.size);
	gnutls_free(pem.data);
}

static gnutls_x509_privkey_t make_key(void)
{
	gnutls_x509_privkey_t key;

	must(gnutls_x509_privkey_init(&key), "key");
	must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					  GNUTLS_CURVE_TO_BITS(
						GNUTLS_ECC_CURVE_SECP256R1), 0),
	     "key");
	return key;
}

static gnutls_x509_crt_t make_cert(const char *name, gnutls_x509_privkey_t key,
				   time_t from, time_t to, unsigned char serial)
{
	gnutls_x509_crt_t crt;

	must(gnutls_x509_crt_init(&crt), name);
	must(gnutls_x509_crt_set_version(crt, 3), name);
	must(gnutls_x509_crt_set_serial(crt, &serial, 1), name);
	must(gnutls_x509_crt_set_activation_time(crt, from), name);
	must(gnutls_x509_crt_set_expiration_time(crt, to), name);
	must(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
					   name, strlen(name)), name);
	must(gnutls_x509_crt_set_key(crt, key), name);
	return crt;
}

static gnutls_x509_crt_t make_ca(const char *path, const char *name,
				 gnutls_x509_privkey_t key)
{
	time_t now = time(NULL);
	gnutls_x509_crt_t crt;

	crt = make_cert(name, key, now - 3 * DAY, now + DAY, 1);
	must(gnutls_x509_crt_set_basic_constraints(crt, 1, -1), name);
	must(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN),
	     name);
	must(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), name);
	write_cert(path, crt);
	return crt;
}

static void make_server(const char *path, gnutls_x509_privkey_t key,
			gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key,
			time_t from, time_t to)
{
	static const unsigned char loopback[] = { 127, 0, 0, 1 };
	gnutls_x509_crt_t crt = make_cert("server", key, from, to, 2);

	must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME,
						  "localhost", 9,
						  GNUTLS_FSAN_SET), path);
	must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
						  loopback, sizeof(loopback),
						  GNUTLS_FSAN_APPEND), path);
	must(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE),
	     path);
	must(gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA256, 0),
	     path);
	write_cert(path, crt);
	gnutls_x509_crt_deinit(crt);
}

static void make_names(void)
{
	snprintf(certs.dir, sizeof(certs.dir), "%s", "/tmp/libquic-XXXXXX");
	if (!mkdtemp(certs.dir)) {
		perror(certs.dir);
		exit(EXIT_FAILURE);
	}
#define NAME(field) \
	snprintf(certs.field, sizeof(certs.field), "%s/%s", certs.dir, #field)
	NAME(ca);
	NAME(other_ca);
	NAME(key);
	NAME(good);
	NAME(expired);
	NAME(psk);
	NAME(other_psk);
	NAME(bad_psk);
	NAME(keylog);
#undef NAME
}

static void make_psks(void)
{
	static const char psk[] =
		"# keys\n\n"
		"client:0123456789abcdef0123456789abcdef\n"
		"second:00112233445566778899aabbccddeeff\n";
	static const char other[] = "client:ffeeddccbbaa99887766554433221100\n";
	static const char bad[] = "client\n";

	write_file(certs.psk, psk, sizeof(psk) - 1);
	write_file(certs.other_psk, other, sizeof(other) - 1);
	write_file(certs.bad_psk, bad, sizeof(bad) - 1);
}

void certs_make(void)
{
	gnutls_x509_privkey_t ca_key, other_key, key;
	gnutls_x509_crt_t ca, other;
	time_t now = time(NULL);
	gnutls_datum_t pem;

	make_names();
	make_psks();
	ca_key = make_key();
	other_key = make_key();
	key = make_key();
	must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem),
	     "key");
	write_file(certs.key, pem.data, pem.size);
	gnutls_free(pem.data);

	ca = make_ca(certs.ca, "Test CA", ca_key);
	other = make_ca(certs.other_ca, "Other CA", other_key);
	make_server(certs.good, key, ca, ca_key, now - DAY, now + DAY);
	make_server(certs.expired, key, ca, ca_key, now - 2 * DAY, now - DAY);

	gnutls_x509_crt_deinit(ca);
	gnutls_x509_crt_deinit(other);
	gnutls_x509_privkey_deinit(ca_key);
	gnutls_x509_privkey_deinit(other_key);
	gnutls_x509_privkey_deinit(key);
}

void certs_remove(void)
{
	DIR *dir = opendir(certs.dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(certs.dir);
}
