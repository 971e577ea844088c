// starling-interop: the test program of the official interoperability suites.
#include <CLI/CLI.hpp>

#include "cli/interop/contract.hpp"
#include "cli/session.hpp"

int main(int argc, char** argv) {
  using namespace starling::cli;
  CLI::App app("test program for the official libp2p interoperability suites", "starling-interop");
  app.require_subcommand(1);
  app.footer(
      "Settings come from the environment (IS_DIALER, REDIS_ADDR, TEST_KEY, TRANSPORT, SECURE_CHANNEL, MUXER…).\n"
      "Example:\n  IS_DIALER=true REDIS_ADDR=127.0.0.1:6379 TEST_KEY=1 TRANSPORT=tcp SECURE_CHANNEL=noise MUXER=yamux "
      "starling-interop transport");
  CLI::App* transport = app.add_subcommand("transport", "Connect and ping (suite: transport)");
  app.add_subcommand("perf", "Throughput and latency (suite: perf)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  const auto contract = Contract::from_environment();
  if (!contract) return report(contract.error(), false);
  return transport->parsed() ? run_transport(*contract) : run_perf(*contract);
}
