# Benchmarks. bench/run.py compares with other implementations and uses bench_peer and machine_limits; the others are
# Google Benchmark programs, one per *_bench.cpp.
add_custom_target(benchmarks DEPENDS starling)
file(GLOB STARLING_BENCH_PEER_SOURCES CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/bench/peer/*.cpp")
add_executable(bench_peer EXCLUDE_FROM_ALL ${STARLING_BENCH_PEER_SOURCES})
file(GLOB STARLING_LIMITS_SOURCES CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/bench/limits/*.cpp")
add_executable(machine_limits EXCLUDE_FROM_ALL ${STARLING_LIMITS_SOURCES})
foreach(name IN ITEMS bench_peer machine_limits)
  starling_link_all_layers(${name})
  add_dependencies(benchmarks ${name})
endforeach()
if(benchmark_FOUND)
  file(GLOB STARLING_BENCH_SOURCES CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/bench/*_bench.cpp")
  foreach(source IN LISTS STARLING_BENCH_SOURCES)
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name} EXCLUDE_FROM_ALL "${source}")
    target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/src")
    starling_link_all_layers(${name})
    target_link_libraries(${name} PRIVATE benchmark::benchmark_main)
    add_dependencies(benchmarks ${name})
  endforeach()
endif()

# Instruction counts of the hot paths (tools/hot_paths).
add_executable(hot_paths EXCLUDE_FROM_ALL bench/hot_paths.cpp)
target_include_directories(hot_paths PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/tests")
starling_link_all_layers(hot_paths)
target_link_options(hot_paths PRIVATE -Wl,--strip-debug)  # Debian 12's valgrind cannot read clang's DWARF 5
