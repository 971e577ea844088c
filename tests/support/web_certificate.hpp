// Web certificates for tests: two of the same names (node.example, localhost, 127.0.0.1, ::1) with a key each, signed
// by themselves, valid from 2020 for a hundred years; and a folder to put them in. The keys protect nothing.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace starling::testing {

/// A time at which they are valid, in seconds since 1970.
inline constexpr std::int64_t kWebCertificateTime = 1'900'000'000;

inline constexpr std::string_view kWebCertificateA = R"(-----BEGIN CERTIFICATE-----
MIIBkjCCATmgAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9zdGFybGlu
ZyB0ZXN0IGEwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBoxGDAW
BgNVBAMMD3N0YXJsaW5nIHRlc3QgYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BD/W1SlusXl6O9HeIhnq9ZnW7jOOnTn+TfOPRUMWGhtFx4B4SpOSd2vcUUVL2V9s
hSZIxFtz/UnfEogt2qt2j8yjbjBsMDoGA1UdEQQzMDGCDG5vZGUuZXhhbXBsZYIJ
bG9jYWxob3N0hwR/AAABhxAAAAAAAAAAAAAAAAAAAAABMA8GA1UdEwEB/wQFMAMB
Af8wHQYDVR0OBBYEFOz35rZZ2JysKuSwy0AQ4C+sIaeoMAoGCCqGSM49BAMCA0cA
MEQCIHSlFgKnRJb1AqVi1VztPsYHd6CeBxqJTsZSe6QRjCw5AiAVvVTymvntkWg6
BqecAH9Ria3XWx1NKmFY3RWIZCnxPA==
-----END CERTIFICATE-----
)";
inline constexpr std::string_view kWebKeyA = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDthI6unIxgUJkKT3
LrOwaIlMlquA0fxV9YfgdONe/jKhRANCAAQ/1tUpbrF5ejvR3iIZ6vWZ1u4zjp05
/k3zj0VDFhobRceAeEqTkndr3FFFS9lfbIUmSMRbc/1J3xKILdqrdo/M
-----END PRIVATE KEY-----
)";
inline constexpr std::string_view kWebCertificateB = R"(-----BEGIN CERTIFICATE-----
MIIBkzCCATmgAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9zdGFybGlu
ZyB0ZXN0IGIwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBoxGDAW
BgNVBAMMD3N0YXJsaW5nIHRlc3QgYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BPBK63+xaxmTBGoOa1aOtl+z7838on2a7CL6kx0ccDBcUMNi3VqkPcrJaJATgKNb
9FflIGEgjeBICNP/pce2iNajbjBsMDoGA1UdEQQzMDGCDG5vZGUuZXhhbXBsZYIJ
bG9jYWxob3N0hwR/AAABhxAAAAAAAAAAAAAAAAAAAAABMA8GA1UdEwEB/wQFMAMB
Af8wHQYDVR0OBBYEFBsFmzJRQS0TDKLMshC3Hcki1q7bMAoGCCqGSM49BAMCA0gA
MEUCIQCmMgyMkZalg1sjHQRiQVtEtS+2W7kR1RulzCemrCmtRwIgT0JhckrZVWoU
lvNtzQh7QdvBsuh/NK9JS4xqAQUIfMo=
-----END CERTIFICATE-----
)";
inline constexpr std::string_view kWebKeyB = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzJOBeEWTuzbUM8oe
JwYgvrSePuMfNoOsyiq1BGtMJEWhRANCAATwSut/sWsZkwRqDmtWjrZfs+/N/KJ9
muwi+pMdHHAwXFDDYt1apD3KyWiQE4CjW/RX5SBhII3gSAjT/6XHtojW
-----END PRIVATE KEY-----
)";

/// A folder of its own, removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "starling-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path(std::string_view name) const { return (path_ / name).string(); }
  /// The path of `name`, which now holds `content`.
  std::string write(std::string_view name, std::string_view content, mode_t mode = 0600) const {
    const std::string file = path(name);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
    ::chmod(file.c_str(), mode);
    return file;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace starling::testing
