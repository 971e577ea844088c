# Tests above the layers.
# Every fuzz target also replays its corpus as an ordinary test, in every build.
file(GLOB STARLING_FUZZ_SOURCES CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/fuzz/*_fuzz.cpp")
foreach(source IN LISTS STARLING_FUZZ_SOURCES)
  get_filename_component(name "${source}" NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" corpus "${name}")
  add_executable(${name}_replay "${source}" "${CMAKE_SOURCE_DIR}/fuzz/replay_main.cpp")
  target_include_directories(${name}_replay PRIVATE "${CMAKE_SOURCE_DIR}/src")
  starling_link_all_layers(${name}_replay)
  add_test(NAME fuzz-corpus/${corpus} COMMAND ${name}_replay "${CMAKE_SOURCE_DIR}/fuzz/corpus/${corpus}")
endforeach()
