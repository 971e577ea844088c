// Prints one JSON object with the limits of this machine; see limits.hpp for what each figure is.
#include <cstdio>

#include "limits.hpp"

namespace {

bool first = true;

void print(const char* name, double value) {
  std::printf("%s\"%s\": %.6g", first ? "{" : ", ", name, value);
  first = false;
}

}  // namespace

int main() {
  using namespace starling::bench;
  const StreamRate raw = tcp_stream(/*framed=*/false), framed = tcp_stream(/*framed=*/true);
  print("tcp_mib", raw.wall);
  print("tcp_framed_mib", framed.wall);
  print("tcp_framed_sender_mib", framed.sender);
  print("tcp_framed_receiver_mib", framed.receiver);
  print("tcp_round_trips", tcp_round_trips_per_second());
  print("udp_mib", udp_mib_per_second(/*segments=*/false));
  print("udp_gso_mib", udp_mib_per_second(/*segments=*/true));
  print("chacha_1k_mib", chacha_seal(1u << 10));
  print("chacha_16k_mib", chacha_seal(16u << 10));
  print("chacha_64k_mib", chacha_seal(65519));
  print("chacha_open_64k_mib", chacha_open(65519));
  print("aes128gcm_1k_mib", aes128_gcm_seal(1u << 10));
  print("aes128gcm_16k_mib", aes128_gcm_seal(16u << 10));
  print("x25519", x25519_exchanges());
  print("ed25519_sign", ed25519_signatures());
  print("ed25519_verify", ed25519_verifications());
  print("ecdsa_sign", ecdsa_signatures());
  print("ecdsa_verify", ecdsa_verifications());
  std::printf("}\n");
}
