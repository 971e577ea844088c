# The compiler: clang-19 is the reference. GCC below 14 is refused because it
# miscompiles coroutines: temporaries in a full expression that holds co_await
# are destroyed twice (see docs/adr/0002-compiler.md).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles C++ coroutines (temporaries in a co_await "
    "expression are destroyed twice), so Starling does not build with it.\n"
    "Use clang-19 (Debian: apt-get install clang-19) with -DCMAKE_CXX_COMPILER=clang++-19, or a preset.")
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "clang ${CMAKE_CXX_COMPILER_VERSION} is too old for std::expected with libstdc++; use clang-19.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# Our invariants stay on in every build: STARLING_ASSERT does not look at NDEBUG.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

find_program(STARLING_CCACHE ccache)
if(STARLING_CCACHE)
  # Precompiled headers need these.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${STARLING_CCACHE}")
endif()
find_program(STARLING_LLD NAMES ld.lld-19 ld.lld)
if(STARLING_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options("-fuse-ld=lld")
endif()

set(STARLING_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them (address,undefined or thread)")
if(STARLING_SANITIZE)
  add_compile_options(-fsanitize=${STARLING_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${STARLING_SANITIZE})
endif()
if(STARLING_BUILD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
option(STARLING_COVERAGE "Source-based coverage (clang)" OFF)
if(STARLING_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

add_library(starling_flags INTERFACE)
target_compile_options(starling_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wconversion
  -Wno-sign-conversion -Wno-missing-field-initializers $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-designated-field-initializers>)
option(STARLING_WERROR "Warnings are errors" OFF)
if(STARLING_WERROR)
  target_compile_options(starling_flags INTERFACE -Werror)
endif()
