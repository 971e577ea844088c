# Run after the program is linked: writes its manual page and shell completions into FOLDER, as under /usr/share.
function(write_output file)
  execute_process(COMMAND "${PROGRAM}" ${ARGN} OUTPUT_FILE "${FOLDER}/${file}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

foreach(folder IN ITEMS man/man1 bash-completion/completions zsh/vendor-completions fish/vendor_completions.d)
  file(MAKE_DIRECTORY "${FOLDER}/${folder}")
endforeach()
write_output(man/man1/starling.1 man)
write_output(bash-completion/completions/starling completions bash)
write_output(zsh/vendor-completions/_starling completions zsh)
write_output(fish/vendor_completions.d/starling.fish completions fish)
