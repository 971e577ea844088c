# One precompiled header for the libraries, one with gtest for the tests and one with CLI11 for the programs: the standard
# headers nearly every file reads and the contracts of base/. Each is made once and shared, so targets agree in their flags.
# Off with -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON.
set(STARLING_PCH_HEADERS
    <algorithm> <array> <chrono> <compare> <coroutine> <cstddef> <cstdint> <cstring> <deque> <expected> <functional>
    <map> <memory> <optional> <span> <string> <string_view> <tuple> <unordered_map> <utility> <variant> <vector>
    "${CMAKE_SOURCE_DIR}/include/starling/base/bytes.hpp"
    "${CMAKE_SOURCE_DIR}/include/starling/base/clock.hpp"
    "${CMAKE_SOURCE_DIR}/include/starling/base/error.hpp")

function(starling_add_pch_host target)
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/pch/${target}.cpp" CONTENT "// Holds a precompiled header.\n")
  add_library(${target} OBJECT "${CMAKE_BINARY_DIR}/pch/${target}.cpp")
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/include")
  target_link_libraries(${target} PRIVATE starling_flags)
  # Without the timestamp a remade header has the same bytes, and ccache finds what was compiled against it.
  target_compile_options(${target} PRIVATE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  target_precompile_headers(${target} PRIVATE ${STARLING_PCH_HEADERS} ${ARGN})
endfunction()

starling_add_pch_host(starling_pch)

starling_add_pch_host(starling_cli_pch <CLI/CLI.hpp> <boost/json.hpp>)
target_link_libraries(starling_cli_pch PRIVATE ${STARLING_EXTERNAL_cli})

function(starling_use_pch target)
  if(target STREQUAL "starling_cli")
    target_precompile_headers(${target} REUSE_FROM starling_cli_pch)
  else()
    target_precompile_headers(${target} REUSE_FROM starling_pch)
  endif()
endfunction()

function(starling_use_test_pch target)
  if(NOT TARGET starling_test_pch)
    starling_add_pch_host(starling_test_pch <gmock/gmock.h> <gtest/gtest.h>)
    # As for programs: position independent executables.
    set_target_properties(starling_test_pch PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(starling_test_pch PRIVATE -fPIE)
    target_link_libraries(starling_test_pch PRIVATE GTest::gmock GTest::gtest)
  endif()
  target_precompile_headers(${target} REUSE_FROM starling_test_pch)
endfunction()
