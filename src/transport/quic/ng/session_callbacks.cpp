// What ngtcp2 tells a session while it reads and writes packets.
#include "transport/quic/ng/convert.hpp"
#include "transport/quic/ng/session.hpp"

namespace starling::transport::quic::ng {

struct Callbacks {
  static NgSession& self(void* user) { return *static_cast<NgSession*>(user); }

  static int handshake_completed(ngtcp2_conn* connection, void* user) {
    self(user).handshake_over();
    if (ngtcp2_conn_is_server(connection) != 0) self(user).confirmed_ = true;  // spec: RFC 9001, 4.1.2
    return self(user).established_ ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
  }

  static int handshake_confirmed(ngtcp2_conn*, void* user) {  // the client alone is asked
    self(user).confirmed_ = true;
    return 0;
  }

  static int crypto_data(ngtcp2_conn* connection, ngtcp2_encryption_level level, std::uint64_t offset,
                         const std::uint8_t* data, std::size_t size, void* user) {
    if (level == NGTCP2_ENCRYPTION_LEVEL_1RTT) {
      if (self(user).on_late_crypto({data, size})) return 0;
      ngtcp2_conn_set_tls_alert(connection, GNUTLS_A_UNEXPECTED_MESSAGE);
      return NGTCP2_ERR_CRYPTO;
    }
    if (!self(user).tls_) return 0;
    return ngtcp2_crypto_recv_crypto_data_cb(connection, level, offset, data, size, user);
  }

  static int stream_open(ngtcp2_conn*, std::int64_t id, void* user) {
    if (ngtcp2_is_bidi_stream(id) == 0) return 0;  // none is permitted
    self(user).add_stream(StreamId(id));
    self(user).events_.on_stream(StreamId(id));
    return 0;
  }

  static int stream_data(ngtcp2_conn*, std::uint32_t flags, std::int64_t id, std::uint64_t, const std::uint8_t* data,
                         std::size_t size, void* user, void*) {
    SessionEvents& events = self(user).events_;
    self(user).tickets_ = false;  // one comes before all data, or not at all
    if (size > 0) events.on_data(StreamId(id), {data, size});
    if ((flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0) events.on_remote_close(StreamId(id));
    return 0;
  }

  static int stream_acknowledged(ngtcp2_conn*, std::int64_t, std::uint64_t, std::uint64_t size, void* user,
                                 void* stream) {
    if (stream == nullptr) return 0;
    self(user).unacknowledged_ -= static_cast<NgSession::Stream*>(stream)->out.acknowledged(std::size_t(size));
    return 0;
  }

  // Over before all was sent: the remote, which ended its side, reads no further.
  static int stream_close(ngtcp2_conn*, std::uint32_t, std::int64_t id, std::uint64_t code, void* user, void*) {
    NgSession& session = self(user);
    NgSession::Stream* stream = session.find(StreamId(id));
    if (stream == nullptr) return 0;
    if (!stream->finish_sent) session.stopped(*stream, code);
    session.forget_output(*stream);
    session.unacknowledged_ -= stream->out.unacknowledged();
    stream->out = SendBuffer();
    stream->over = true;
    session.drop_if_done(*stream);
    return 0;
  }

  static int stream_reset(ngtcp2_conn*, std::int64_t id, std::uint64_t, std::uint64_t code, void* user, void*) {
    self(user).events_.on_reset(StreamId(id), code);
    return 0;
  }

  static int more_stream_data(ngtcp2_conn*, std::int64_t id, std::uint64_t, void* user, void*) {
    NgSession::Stream* stream = self(user).find(StreamId(id));
    if (stream != nullptr && stream->blocked) self(user).make_sendable(*stream);
    return 0;
  }

  static int more_streams(ngtcp2_conn*, std::uint64_t, void* user) {
    self(user).events_.on_openable();
    return 0;
  }

  static int stateless_reset(ngtcp2_conn*, const ngtcp2_pkt_stateless_reset*, void* user) {
    self(user).reset_received_ = true;
    return 0;
  }

  static int datagram(ngtcp2_conn*, std::uint32_t, const std::uint8_t* data, std::size_t size, void* user) {
    self(user).events_.on_datagram({data, size});
    return 0;
  }

  static void random(std::uint8_t* to, std::size_t size, const ngtcp2_rand_ctx* context) {
    static_cast<Random*>(context->native_handle)->fill({to, size});
  }

  static int new_id(ngtcp2_conn*, ngtcp2_cid* id, std::uint8_t* token, std::size_t size, void* user) {
    NgSession& session = self(user);
    session.shared_.random.fill({id->data, size});
    id->datalen = size;
    reset_token(session.shared_, *id, token);
    session.events_.on_id_added(from_ng(*id));
    return 0;
  }

  static int old_id(ngtcp2_conn*, const ngtcp2_cid* id, void* user) {
    self(user).events_.on_id_removed(from_ng(*id));
    return 0;
  }

  static int peers_id(ngtcp2_conn*, ngtcp2_connection_id_status_type status, std::uint64_t, const ngtcp2_cid*,
                      const std::uint8_t* token, void* user) {
    if (token == nullptr) return 0;
    ResetToken copy;
    std::copy_n(token, copy.size(), copy.begin());
    if (status == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE)
      self(user).events_.on_reset_token_added(copy);
    else
      self(user).events_.on_reset_token_removed(copy);
    return 0;
  }

  static int path_challenge(ngtcp2_conn*, std::uint8_t* data, void* user) {
    self(user).shared_.random.fill({data, NGTCP2_PATH_CHALLENGE_DATALEN});
    return 0;
  }

  static int path_validation(ngtcp2_conn* connection, std::uint32_t, const ngtcp2_path*, const ngtcp2_path*,
                             ngtcp2_path_validation_result result, void* user) {
    if (result != NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) return 0;
    self(user).largest_ = self(user).shared_.options.max_udp_payload;  // what it takes is probed anew
    self(user).events_.on_path_changed(from_ng(ngtcp2_conn_get_path(connection)->remote));
    return 0;
  }

  static ngtcp2_callbacks common() {
    ngtcp2_callbacks callbacks{};
    callbacks.recv_crypto_data = crypto_data;
    callbacks.handshake_completed = handshake_completed;
    callbacks.encrypt = ngtcp2_crypto_encrypt_cb;
    callbacks.decrypt = ngtcp2_crypto_decrypt_cb;
    callbacks.hp_mask = ngtcp2_crypto_hp_mask_cb;
    callbacks.recv_stream_data = stream_data;
    callbacks.acked_stream_data_offset = stream_acknowledged;
    callbacks.stream_open = stream_open;
    callbacks.stream_close = stream_close;
    callbacks.recv_stateless_reset = stateless_reset;
    callbacks.extend_max_local_streams_bidi = more_streams;
    callbacks.rand = random;
    callbacks.get_new_connection_id = new_id;
    callbacks.remove_connection_id = old_id;
    callbacks.dcid_status = peers_id;
    callbacks.update_key = ngtcp2_crypto_update_key_cb;
    callbacks.path_validation = path_validation;
    callbacks.stream_reset = stream_reset;
    callbacks.extend_max_stream_data = more_stream_data;
    callbacks.handshake_confirmed = handshake_confirmed;
    callbacks.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    callbacks.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    callbacks.recv_datagram = datagram;
    callbacks.get_path_challenge_data = path_challenge;
    callbacks.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    return callbacks;
  }
};

namespace {

// Null protection: the packet is its own ciphertext, with a tag of zeros behind it that nobody looks at.
constexpr std::size_t kTag = 16;

int null_encrypt(std::uint8_t* to, const ngtcp2_crypto_aead*, const ngtcp2_crypto_aead_ctx*, const std::uint8_t* from,
                 std::size_t size, const std::uint8_t*, std::size_t, const std::uint8_t*, std::size_t) {
  if (size > 0) std::memmove(to, from, size);
  std::memset(to + size, 0, kTag);
  return 0;
}

int null_decrypt(std::uint8_t* to, const ngtcp2_crypto_aead*, const ngtcp2_crypto_aead_ctx*, const std::uint8_t* from,
                 std::size_t size, const std::uint8_t*, std::size_t, const std::uint8_t*, std::size_t) {
  if (size < kTag) return NGTCP2_ERR_DECRYPT;
  std::memmove(to, from, size - kTag);
  return 0;
}

int null_mask(std::uint8_t* to, const ngtcp2_crypto_cipher*, const ngtcp2_crypto_cipher_ctx*, const std::uint8_t*) {
  std::memset(to, 0, NGTCP2_HP_MASKLEN);
  return 0;
}

ngtcp2_callbacks common_callbacks(bool null_protection) {
  ngtcp2_callbacks callbacks = Callbacks::common();
  if (!null_protection) return callbacks;
  callbacks.encrypt = null_encrypt;
  callbacks.decrypt = null_decrypt;
  callbacks.hp_mask = null_mask;
  return callbacks;
}

}  // namespace

ngtcp2_callbacks client_callbacks(bool null_protection) {
  ngtcp2_callbacks callbacks = common_callbacks(null_protection);
  callbacks.client_initial = ngtcp2_crypto_client_initial_cb;
  callbacks.recv_retry = ngtcp2_crypto_recv_retry_cb;
  return callbacks;
}

ngtcp2_callbacks server_callbacks(bool null_protection) {
  ngtcp2_callbacks callbacks = common_callbacks(null_protection);
  callbacks.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
  return callbacks;
}

}  // namespace starling::transport::quic::ng
