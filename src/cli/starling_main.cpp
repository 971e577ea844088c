// The starling program.
#include "cli/commands.hpp"

int main(int argc, char** argv) { return starling::cli::starling_main(argc, argv); }
