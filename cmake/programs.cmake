# The programs: one main each, everything else is in the layers.
add_executable(starling src/cli/starling_main.cpp)
target_include_directories(starling PRIVATE "${CMAKE_SOURCE_DIR}/src")
target_link_libraries(starling PRIVATE starling_cli ${STARLING_EXTERNAL_cli} starling_flags)
