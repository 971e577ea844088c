// One stream inside a private network.
// spec: pnet/Private-Networks-PSK-V1.md, Cryptography of Private Networks
#include <optional>
#include <utility>

#include "security/xsalsa20.hpp"
#include "starling/security/private_network.hpp"

namespace starling::security {
namespace {

class PrivateNetworkChannel final : public Channel {
 public:
  PrivateNetworkChannel(const PrivateNetworkKey& key, Random& random, std::string first_words)
      : key_(key), random_(random), first_words_(std::move(first_words)) {}

  Status seal(Bytes plaintext, ByteQueue& wire) override {
    // A dialer may wait for our nonce before it says its first word (js-libp2p and rust-libp2p do), so a nonce is
    // answered by itself.
    if (!sending_ && (receiving_ || !plaintext.empty())) begin_sending(wire);
    if (plaintext.empty()) return {};
    spoke_ = true;
    const MutableBytes room = wire.prepare(plaintext.size());
    sending_->apply(plaintext, room.data());
    wire.commit(plaintext.size());
    return {};
  }

  Status open(ByteQueue& wire, PlaintextSink& sink) override {
    if (differs_) return fail(mismatch());
    if (!receiving_) {
      if (wire.size() < kXsalsa20NonceSize) return {};
      receiving_.emplace(key_.view(), wire.view().first(kXsalsa20NonceSize));
      wire.consume(kXsalsa20NonceSize);
    }
    if (wire.empty()) return {};
    const MutableBytes content = wire.mutable_view();
    receiving_->apply(content, content.data());
    if (heard_ < first_words_.size() && !is_expected(content)) {
      differs_ = true;
      wire.clear();
      return fail(mismatch());
    }
    const Status status = sink.on_plaintext(content);
    wire.clear();
    return status;
  }

  // Whoever waits for our first words learns from them, undecipherable as they are, that the keys differ.
  Status close(ByteQueue& wire) override { return differs_ && !spoke_ ? seal(as_bytes(first_words_), wire) : Status{}; }
  bool remote_closed() const override { return false; }

 private:
  void begin_sending(ByteQueue& wire) {
    const MutableBytes nonce = wire.prepare(kXsalsa20NonceSize).first(kXsalsa20NonceSize);
    random_.fill(nonce);
    sending_.emplace(key_.view(), nonce);
    wire.commit(kXsalsa20NonceSize);
  }
  bool is_expected(Bytes content) {
    const std::string_view expected = std::string_view(first_words_).substr(heard_, content.size());
    heard_ += expected.size();
    return as_text(content.first(expected.size())) == expected;
  }
  static Error mismatch() {
    return Error(ErrorCode::PrivateNetworkMismatch, Op::Decrypt, Origin::Remote,
                 "the peer's first bytes make no sense under our key: its private network key differs, or it has none");
  }

  PrivateNetworkKey key_;
  Random& random_;
  std::string first_words_;
  std::size_t heard_ = 0;  // of first_words_
  std::optional<Xsalsa20> sending_, receiving_;
  bool differs_ = false, spoke_ = false;
};

}  // namespace

std::unique_ptr<Channel> make_private_network_channel(const PrivateNetworkKey& key, Random& random,
                                                      std::string first_words) {
  return std::make_unique<PrivateNetworkChannel>(key, random, std::move(first_words));
}

}  // namespace starling::security
