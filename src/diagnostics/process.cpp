#include "starling/diagnostics/process.hpp"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace starling::diagnostics {
namespace {

double seconds(const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; }

}  // namespace

void process_metrics(Metrics& out) {
  auto& cpu = out.counter("process_cpu_seconds_total", "Processor time, user and system.");
  if (rusage usage{}; ::getrusage(RUSAGE_SELF, &usage) == 0) cpu.add(seconds(usage.ru_utime) + seconds(usage.ru_stime));

  auto& virtual_memory = out.gauge("process_virtual_memory_bytes", "Address space.");
  auto& resident = out.gauge("process_resident_memory_bytes", "Memory that is in use.");
  const auto page = double(::sysconf(_SC_PAGESIZE));
  std::ifstream statm("/proc/self/statm");
  if (double total = 0, used = 0; statm >> total >> used) {
    virtual_memory.add(total * page);
    resident.add(used * page);
  }

  auto& open = out.gauge("process_open_fds", "File descriptors that are open.");
  std::error_code problem;
  double descriptors = 0;
  for (std::filesystem::directory_iterator each("/proc/self/fd", problem), end; !problem && each != end;
       each.increment(problem))
    ++descriptors;
  if (!problem && descriptors > 0) open.add(descriptors - 1);  // without that of the look itself
  auto& most = out.gauge("process_max_fds", "File descriptors that may be open.");
  if (rlimit limit{}; ::getrlimit(RLIMIT_NOFILE, &limit) == 0) most.add(double(limit.rlim_cur));
}

}  // namespace starling::diagnostics
