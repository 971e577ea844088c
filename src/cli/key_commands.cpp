// starling key generate, starling key show
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/session.hpp"
#include "starling/peer/key_file.hpp"
#include "starling/security/private_network.hpp"

namespace starling::cli {
namespace {

struct KeyFlags {
  std::string type = "ed25519", file;
  unsigned bits = crypto::kDefaultRsaBits;
  bool json = false;
};

void show(const crypto::PrivateKey& key, const KeyFlags& flags) {
  const PeerId id = PeerId::from_public_key(key.public_key());
  const std::string type(to_string(key.type()));
  if (flags.json) {
    print_json({{"peer_id", id.to_string()},
                {"peer_id_cid", id.to_cid_string()},
                {"type", type},
                {"public_key", to_hex(key.public_key().to_protobuf())},
                {"file", flags.file}});
  } else {
    std::printf("peer id   %s\nas a CID  %s\ntype      %s\nfile      %s\n", id.to_string().c_str(),
                id.to_cid_string().c_str(), type.c_str(), flags.file.c_str());
  }
}

int generate(const KeyFlags& flags) {
  const auto type = crypto::key_type_from_string(flags.type);
  if (!type) return report(type.error(), flags.json);
  const auto key = crypto::PrivateKey::generate(*type, system_random(), flags.bits);
  if (!key) return report(key.error(), flags.json);
  if (const Status saved = save_key_file(flags.file, *key); !saved) return report(saved.error(), flags.json);
  show(*key, flags);
  return kOk;
}

int show_file(const KeyFlags& flags) {
  const auto key = load_key_file(flags.file);
  if (!key) return report(key.error(), flags.json);
  show(*key, flags);
  return kOk;
}

int make_private_network_key(const KeyFlags& flags) {
  const auto key = security::PrivateNetworkKey::generate(system_random());
  if (const Status saved = security::save_private_network_key(flags.file, key); !saved)
    return report(saved.error(), flags.json);
  if (flags.json)
    print_json({{"fingerprint", key.fingerprint()}, {"file", flags.file}});
  else
    std::printf("fingerprint  %s\nfile         %s\n", key.fingerprint().c_str(), flags.file.c_str());
  return kOk;
}

}  // namespace

void add_key_commands(CLI::App& app, Run& run) {
  CLI::App* key = app.add_subcommand("key", "Make and look at identities");
  key->require_subcommand(1);
  auto flags = std::make_shared<KeyFlags>();
  CLI::App* make = key->add_subcommand("generate", "Make an identity and write it to a file of mode 0600");
  make->add_option("--type", flags->type, "Kind of key")
      ->check(CLI::IsMember({"ed25519", "secp256k1", "ecdsa", "rsa"}))
      ->capture_default_str();
  make->add_option("--bits", flags->bits, "Size of an RSA key")
      ->check(CLI::Range(crypto::kMinRsaBits, crypto::kMaxRsaBits))
      ->capture_default_str();
  make->add_option("--out", flags->file, "File to write; never overwritten")->required()->type_name("FILE");
  add_json_flag(*make, flags->json);
  make->footer("Example:\n  starling key generate --type ed25519 --out node.key");
  make->callback([flags, &run] { run = [flags] { return generate(*flags); }; });
  CLI::App* psk = key->add_subcommand("psk", "Make the key of a private network and write it to a file of mode 0600");
  psk->add_option("--out", flags->file, "File to write; never overwritten")->required()->type_name("FILE");
  add_json_flag(*psk, flags->json);
  psk->footer("Example:\n  starling key psk --out swarm.key\n  starling daemon --psk swarm.key");
  psk->callback([flags, &run] { run = [flags] { return make_private_network_key(*flags); }; });
  CLI::App* look = key->add_subcommand("show", "Show the peer id of an identity file; the secret is not shown");
  look->add_option("file", flags->file, "Identity file")->required()->type_name("FILE");
  add_json_flag(*look, flags->json);
  look->footer("Example:\n  starling key show node.key --json");
  look->callback([flags, &run] { run = [flags] { return show_file(*flags); }; });
}

}  // namespace starling::cli
