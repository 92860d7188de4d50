// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "certs.h"
#include "pair.h"
#include "tap.h"

/* ---- step machines ---------------------------------------------------------- */

void pair_begin(struct pair *pair, struct fake *fakes, unsigned int flags)
{
	const unsigned int role[] = {
		GNUTLS_CLIENT, GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET,
	};
	int i;

	for (i = 0; i < 2; i++) {
		gnutls_init(&pair->session[i], role[i] | flags);
		gnutls_priority_set_direct(pair->session[i], QUIC_PRIORITY,
					   NULL);
		gnutls_certificate_allocate_credentials(&pair->cred[i]);
		gnutls_credentials_set(pair->session[i],
				       GNUTLS_CRD_CERTIFICATE, pair->cred[i]);
		gnutls_transport_set_int(pair->session[i], fakes[i].fd);
	}
	gnutls_certificate_set_x509_key_file(pair->cred[1], certs.good,
					     certs.key, GNUTLS_X509_FMT_PEM);
}

void pair_end(struct pair *pair)
{
	int i;

	for (i = 0; i < 2; i++) {
		quic_handshake_deinit(pair->session[i]);
		gnutls_deinit(pair->session[i]);
		gnutls_certificate_free_credentials(pair->cred[i]);
	}
}

/* Do what the step says.  False if that would block. */
static bool do_io(int fd, struct quic_handshake_step *step)
{
	ssize_t ret;

	if (step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG) {
		ret = sendmsg(fd, step->s_sendmsg.msg, step->s_sendmsg.flags);
		step->s_sendmsg.retval = ret < 0 ? -errno : ret;
	} else {
		ret = recvmsg(fd, step->s_recvmsg.msg, step->s_recvmsg.flags);
		step->s_recvmsg.retval = ret < 0 ? -errno : ret;
	}
	return ret >= 0 || errno != EAGAIN;
}

void pair_run(struct pair *pair, struct fake *fakes, int result[2])
{
	struct quic_handshake_step *step[2] = { NULL, NULL };
	bool moved = true;
	int i;

	for (i = 0; i < 2; i++) {
		fake_clock(&fakes[i]);
		result[i] = quic_handshake_init(pair->session[i], &step[i]);
	}
	while (moved) {
		moved = false;
		for (i = 0; i < 2; i++) {
			fake_clock(&fakes[i]);
			while (step[i] && !result[i] &&
			       do_io(fakes[i].fd, step[i])) {
				moved = true;
				result[i] = quic_handshake_step(
					pair->session[i], &step[i]);
			}
		}
	}
	fake_clock(NULL);
	for (i = 0; i < 2; i++) {
		check(!step[i] || !result[i], "a step and the error %d",
		      result[i]);
		if (step[i])
			result[i] = 1;
	}
}

/* ---- one-call functions ------------------------------------------------------ */

struct server {
	struct calls	*calls;
	struct fake	*fake;
};

static void note_result(struct calls *calls, int i, int ret, struct fake *fake)
{
	calls->result[i] = ret;
	snprintf(calls->text[i], sizeof(calls->text[i]), "%s",
		 quic_strerror(ret));
	if (ret)
		fake_close(fake);
}

static void *serve(void *arg)
{
	struct server *server = arg;
	struct calls *calls = server->calls;

	note_result(calls, 1,
		    quic_server_handshake(server->fake->fd, calls->key,
					  calls->cert, calls->server_alpns),
		    server->fake);
	return NULL;
}

void calls_run(struct calls *calls, struct fake *fakes)
{
	struct server server = { calls, &fakes[1] };
	pthread_t thread;

	pthread_create(&thread, NULL, serve, &server);
	note_result(calls, 0,
		    quic_client_handshake(fakes[0].fd, calls->client_psk,
					  calls->hostname,
					  calls->client_alpns), &fakes[0]);
	pthread_join(thread, NULL);
}
