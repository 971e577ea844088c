// Web TLS handshakes and the two objects that make them.
#include "starling/security/web_tls.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <array>
#include <optional>
#include <utility>

#include "security/tls_session.hpp"
#include "security/web_tls_channel.hpp"
#include "security/web_tls_context.hpp"
#include "starling/base/assert.hpp"

namespace starling::security {
namespace {

constexpr std::size_t kMaxNameBytes = 253;  // RFC 1035, section 3.1

class WebHandshake : public WebTlsHandshake {
 public:
  explicit WebHandshake(std::unique_ptr<TlsSession> session) : session_(std::move(session)) {}

  Status start(ByteQueue& out) override {
    if (!session_)
      return fail(take_openssl_error(ErrorCode::Internal, Op::Secure, Origin::Local, "making a TLS session"));
    STARLING_CHECK(set_up(session_->ssl()));
    return step(nullptr, out);
  }
  Status receive(ByteQueue& in, ByteQueue& out) override {
    if (done_) return {};
    if (dead_) return fail(ErrorCode::Closed, Op::Secure, Origin::Local, "this handshake has failed");
    return step(&in, out);
  }
  bool done() const override { return done_; }
  WebTlsOutcome take() override {
    STARLING_ASSERT(done_ && session_, "take() is called once, after done()");
    const unsigned char* selected = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(session_->ssl(), &selected, &size);
    SSL_set_app_data(session_->ssl(), nullptr);
    return {std::string(as_text({selected, size})), std::make_unique<WebTlsChannel>(std::move(session_))};
  }

 protected:
  virtual Status set_up(SSL* ssl) = 0;

 private:
  Status step(ByteQueue* in, ByteQueue& out) {
    const TlsAttachment attachment(*session_, in, in == nullptr ? 0 : in->size(), out);
    ERR_clear_error();
    const int result = SSL_do_handshake(session_->ssl());
    done_ = result == 1;
    if (done_ || SSL_get_error(session_->ssl(), result) == SSL_ERROR_WANT_READ) return {};
    dead_ = true;
    return fail(failure());
  }
  Error failure() {
    const long verdict = SSL_get_verify_result(session_->ssl());
    if (verdict != X509_V_OK && SSL_get_verify_mode(session_->ssl()) != SSL_VERIFY_NONE) {
      ERR_clear_error();
      return Error(ErrorCode::CertificateUntrusted, Op::Secure, Origin::Remote, X509_verify_cert_error_string(verdict));
    }
    Error cause = take_tls_error(ErrorCode::ProtocolViolation, Op::Secure);
    if (cause.code() == ErrorCode::HandshakeFailed) return cause;
    return Error(ErrorCode::HandshakeFailed, Op::Secure, Origin::Remote, "TLS").caused_by(std::move(cause));
  }

  std::unique_ptr<TlsSession> session_;
  bool done_ = false, dead_ = false;
};

class ClientHandshake final : public WebHandshake {
 public:
  ClientHandshake(std::unique_ptr<TlsSession> session, std::string name, std::vector<std::string> alpn,
                  std::optional<std::int64_t> unix_seconds)
      : WebHandshake(std::move(session)), name_(std::move(name)), alpn_(std::move(alpn)), unix_seconds_(unix_seconds) {}

 private:
  Status set_up(SSL* ssl) override {
    if (name_.ends_with('.')) name_.pop_back();
    if (name_.empty() || name_.size() > kMaxNameBytes || name_.find('\0') != std::string::npos)
      return fail(ErrorCode::InvalidArgument, Op::Secure, Origin::Local, "server name '" + name_ + "'");
    SSL_set_connect_state(ssl);
    X509_VERIFY_PARAM* const judge = SSL_get0_param(ssl);
    if (unix_seconds_) X509_VERIFY_PARAM_set_time(judge, *unix_seconds_);
    const bool is_ip = X509_VERIFY_PARAM_set1_ip_asc(judge, name_.c_str()) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!is_ip && (SSL_set1_host(ssl, name_.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, name_.c_str()) != 1))
      return fail(take_openssl_error(ErrorCode::InvalidArgument, Op::Secure, Origin::Local, name_));
    STARLING_TRY(const ByteVector protocols, encode_web_alpn(alpn_));
    if (!protocols.empty() && SSL_set_alpn_protos(ssl, protocols.data(), unsigned(protocols.size())) != 0)
      return fail(take_openssl_error(ErrorCode::Internal, Op::Secure, Origin::Local, "setting ALPN"));
    return {};
  }

  std::string name_;
  std::vector<std::string> alpn_;
  std::optional<std::int64_t> unix_seconds_;
};

class Client final : public WebTlsClient {
 public:
  Client(SslContextPtr context, std::function<std::int64_t()> clock)
      : context_(std::move(context)), clock_(std::move(clock)) {}
  std::unique_ptr<WebTlsHandshake> begin(std::string server_name, std::vector<std::string> alpn) override {
    const auto now = clock_ ? std::optional(clock_()) : std::nullopt;
    return std::make_unique<ClientHandshake>(TlsSession::create(*context_), std::move(server_name), std::move(alpn),
                                             now);
  }

 private:
  SslContextPtr context_;
  std::function<std::int64_t()> clock_;
};

// Keeps its own copy of the protocols: the server may be gone, or another certificate in use, before it ends.
class ServerHandshake final : public WebHandshake {
 public:
  ServerHandshake(std::unique_ptr<TlsSession> session, std::vector<std::string> alpn)
      : WebHandshake(std::move(session)), alpn_(std::move(alpn)) {}
  static int on_select_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                            unsigned int in_size, void*) noexcept {
    const auto* self = static_cast<const ServerHandshake*>(SSL_get_app_data(ssl));
    const Bytes chosen = self == nullptr ? Bytes{} : choose_web_alpn({in, in_size}, self->alpn_);
    if (chosen.empty()) return SSL_TLSEXT_ERR_NOACK;
    *out = chosen.data();
    *out_size = std::uint8_t(chosen.size());
    return SSL_TLSEXT_ERR_OK;
  }

 private:
  Status set_up(SSL* ssl) override {
    SSL_set_app_data(ssl, this);
    SSL_set_accept_state(ssl);
    return {};
  }
  std::vector<std::string> alpn_;
};

// Which file stands under a name, and in which state.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t seconds = 0, nanoseconds = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;

  static FileStamp of(const std::string& file) {
    struct stat info{};
    if (::stat(file.c_str(), &info) != 0) return {};
    return {info.st_dev, info.st_ino, std::uint64_t(info.st_size), info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
  }
};

class Server final : public WebTlsServer {
 public:
  explicit Server(WebTlsServerOptions options) : options_(std::move(options)) {}
  std::unique_ptr<WebTlsHandshake> begin() override {
    return std::make_unique<ServerHandshake>(TlsSession::create(*context_), options_.alpn);
  }
  Status reload() override {
    const auto stamps = look();  // before reading: a write in between is seen next time
    STARLING_TRY(auto context, make_web_server_context(options_.certificate_file, options_.key_file));
    SSL_CTX_set_alpn_select_cb(context.get(), &ServerHandshake::on_select_alpn, nullptr);
    context_ = std::move(context);
    stamps_ = stamps;
    return {};
  }
  Status reload_if_changed(TimePoint now) override {
    if (next_look_ && now < *next_look_) return {};
    next_look_ = now + options_.check_interval;
    return look() == stamps_ ? Status{} : reload();
  }

 private:
  using Stamps = std::array<FileStamp, 2>;
  Stamps look() const { return {FileStamp::of(options_.certificate_file), FileStamp::of(options_.key_file)}; }

  WebTlsServerOptions options_;
  SslContextPtr context_;
  Stamps stamps_;
  std::optional<TimePoint> next_look_;
};

}  // namespace

Result<std::unique_ptr<WebTlsClient>> WebTlsClient::create(WebTlsClientOptions options) {
  STARLING_TRY(auto context,
               options.any_certificate ? make_trusting_web_client_context() : make_web_client_context(options.ca_file));
  return std::make_unique<Client>(std::move(context), std::move(options.unix_seconds));
}

Result<std::unique_ptr<WebTlsServer>> WebTlsServer::load(WebTlsServerOptions options) {
  auto server = std::make_unique<Server>(std::move(options));
  STARLING_CHECK(server->reload());
  return server;
}

}  // namespace starling::security
