# The programs: one main each, everything else is in the layers.
add_executable(starling src/cli/starling_main.cpp)
add_executable(starling-interop src/cli/interop/interop_main.cpp)
foreach(program IN ITEMS starling starling-interop)
  target_include_directories(${program} PRIVATE "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(${program} PRIVATE starling_cli ${STARLING_EXTERNAL_cli} starling_flags)
endforeach()
