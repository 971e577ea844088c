# Every third-party package the product links, all from Debian 12's own suites.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)  # starling-interop only: the official suites meet in redis
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_reader.hpp REQUIRED)
if(STARLING_BUILD_TESTS OR NOT DEFINED STARLING_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
find_package(benchmark QUIET)

# What each layer may use beyond the layers below it. A package not named here is not on the layer's link line.
set(STARLING_EXTERNAL_base fmt::fmt)
set(STARLING_EXTERNAL_io Threads::Threads)
set(STARLING_EXTERNAL_crypto OpenSSL::Crypto PkgConfig::SODIUM)
set(STARLING_EXTERNAL_security OpenSSL::SSL OpenSSL::Crypto PkgConfig::SODIUM)
set(STARLING_EXTERNAL_runtime Boost::json)
set(STARLING_EXTERNAL_cli Boost::json CLI11::CLI11)
