# Every third-party package the product links, all from Debian 12's own suites.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares>=1.18)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)  # the address book between runs
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)  # starling-interop only: the official suites meet in redis
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)  # used as headers alone
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_reader.hpp REQUIRED)
if(STARLING_BUILD_TESTS OR NOT DEFINED STARLING_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
find_package(benchmark QUIET)

# QUIC. Below 1.0 the library can be made to abort by packets that anybody can send (mended in 0.16, not in the 0.12.1
# of Debian 12's own suite); between that and 1.11 nobody has tried Starling.
option(STARLING_QUIC "QUIC, where a sound ngtcp2 is installed" ON)
set(STARLING_HAVE_QUIC OFF)
if(STARLING_QUIC)
  pkg_check_modules(NGTCP2 IMPORTED_TARGET libngtcp2 libngtcp2_crypto_gnutls gnutls)
  if(NGTCP2_FOUND AND NGTCP2_libngtcp2_VERSION VERSION_GREATER_EQUAL 1.11)
    set(STARLING_HAVE_QUIC ON)
  elseif(NGTCP2_FOUND AND NGTCP2_libngtcp2_VERSION VERSION_LESS 1.0)
    message(WARNING "ngtcp2 ${NGTCP2_libngtcp2_VERSION} is refused: unauthenticated packets can make it abort. "
                    "Starling is built WITHOUT QUIC. Install 1.11 or newer (./dev does, from Debian 12's backports suite).")
  else()
    message(WARNING "No ngtcp2 of 1.11 or newer with its GnuTLS crypto library: Starling is built WITHOUT QUIC. "
                    "Install libngtcp2-dev and libngtcp2-crypto-gnutls-dev (./dev does, from Debian 12's backports suite).")
  endif()
endif()

# What each layer may use beyond the layers below it. A package not named here is not on the layer's link line.
set(STARLING_EXTERNAL_base fmt::fmt)
set(STARLING_EXTERNAL_io Threads::Threads PkgConfig::CARES)
set(STARLING_EXTERNAL_diagnostics Boost::json fmt::fmt)
set(STARLING_EXTERNAL_crypto OpenSSL::Crypto PkgConfig::SODIUM)
set(STARLING_EXTERNAL_peer PkgConfig::SQLITE)
set(STARLING_EXTERNAL_security OpenSSL::SSL OpenSSL::Crypto PkgConfig::SODIUM)
set(STARLING_EXTERNAL_names Threads::Threads)  # Beast's headers want Asio's
set(STARLING_EXTERNAL_runtime Boost::json fmt::fmt)
set(STARLING_EXTERNAL_cli Boost::json CLI11::CLI11)
if(STARLING_HAVE_QUIC)
  set(STARLING_EXTERNAL_transport PkgConfig::NGTCP2)
endif()
