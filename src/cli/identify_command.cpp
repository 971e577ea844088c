// starling identify, starling dial: what a peer says of itself, and how we got to it.
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/session.hpp"

namespace starling::cli {
namespace {

struct TargetFlags {
  NodeFlags node;
  std::string target;
  bool explain = false;
};

boost::json::array texts(const std::vector<std::string>& items) {
  boost::json::array array;
  for (const std::string& item : items) array.emplace_back(item);
  return array;
}

boost::json::array texts(const std::vector<Multiaddr>& items) {
  boost::json::array array;
  for (const Multiaddr& item : items) array.emplace_back(item.to_string());
  return array;
}

boost::json::object to_json(const PeerId& peer, const host::IdentifyInfo& info,
                            const transport::ConnectionInfo& connection) {
  return {{"event", "identify"},
          {"peer_id", peer.to_string()},
          {"agent_version", info.agent_version},
          {"protocol_version", info.protocol_version},
          {"protocols", texts(info.protocols)},
          {"listen_addrs", texts(info.listen_addresses)},
          {"observed_addr",
           info.observed_address ? boost::json::value(info.observed_address->to_string()) : boost::json::value()},
          {"public_key",
           info.public_key ? boost::json::value(to_hex(info.public_key->to_protobuf())) : boost::json::value()},
          {"signed_peer_record", info.peer_record_valid},
          {"signed_peer_record_hex", to_hex(info.signed_peer_record)},
          {"security", connection.security},
          {"muxer", connection.muxer}};
}

void print_text(const PeerId& peer, const host::IdentifyInfo& info) {
  std::printf("peer id   %s\nagent     %s\nprotocol  %s\n", peer.to_string().c_str(), info.agent_version.c_str(),
              info.protocol_version.c_str());
  std::printf("observed  %s\n", info.observed_address ? info.observed_address->to_string().c_str() : "-");
  std::printf("record    %s\n", info.peer_record_valid            ? "signed by the peer"
                                : info.signed_peer_record.empty() ? "none"
                                                                  : "not valid");
  for (const Multiaddr& address : info.listen_addresses) std::printf("address   %s\n", address.to_string().c_str());
  for (const std::string& protocol : info.protocols) std::printf("speaks    %s\n", protocol.c_str());
}

io::Task<int> identify(Session& session, const TargetFlags& flags) {
  const auto target = parse_target(flags.target);
  if (!target) co_return report(target.error(), flags.node.json);
  const auto connection = co_await connect(session, *target);
  if (!connection) co_return report(connection.error(), flags.node.json);
  const transport::ConnectionInfo how = session.host().swarm().find(*connection)->info();
  const auto info = co_await session.host().identified(target->peer);
  if (!info) co_return report(info.error(), flags.node.json);
  if (flags.node.json)
    print_json(to_json(target->peer, *info, how));
  else
    print_text(target->peer, *info);
  co_return kOk;
}

double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

boost::json::object to_json(const swarm::DialAttempt& attempt) {
  return {{"address", attempt.address.to_string()},
          {"resolved_from", attempt.from ? boost::json::value(attempt.from->to_string()) : boost::json::value()},
          {"source", std::string(to_string(attempt.source))},
          {"outcome", std::string(to_string(attempt.outcome))},
          {"skipped", attempt.skipped == swarm::SkipReason::None
                          ? boost::json::value()
                          : boost::json::value(std::string(to_string(attempt.skipped)))},
          {"retry_after_ms", milliseconds(attempt.retry_after)},
          {"delay_ms", milliseconds(attempt.delay)},
          {"queued_ms", milliseconds(attempt.queued)},
          {"started_after_ms", milliseconds(attempt.started_after)},
          {"total_ms", milliseconds(attempt.total)},
          {"resolve_ms", milliseconds(attempt.stages.resolve)},
          {"connect_ms", milliseconds(attempt.stages.connect)},
          {"security_ms", milliseconds(attempt.stages.security)},
          {"muxer_ms", milliseconds(attempt.stages.muxer)},
          {"reached", attempt.stages.reached},
          {"code",
           attempt.error ? boost::json::value(std::string(to_string(attempt.error->code()))) : boost::json::value()},
          {"error", attempt.error ? boost::json::value(attempt.error->message()) : boost::json::value()}};
}

void print_report(const swarm::DialReport& dial, const TargetFlags& flags) {
  if (!flags.node.json) {
    if (flags.explain || dial.error)
      std::fputs(dial.to_string().c_str(), stdout);
    else
      std::printf("connected in %.1f ms\n", milliseconds(dial.total));
    return;
  }
  boost::json::array attempts;
  for (const swarm::DialAttempt& attempt : dial.attempts) attempts.push_back(to_json(attempt));
  print_json({{"event", "dial"},
              {"peer_id", dial.peer.to_string()},
              {"connected", !dial.error.has_value()},
              {"total_ms", milliseconds(dial.total)},
              {"reused_connection", dial.reused_connection},
              {"unlisted", dial.unlisted},
              {"attempts", std::move(attempts)},
              {"error", dial.error ? boost::json::value(dial.error->message()) : boost::json::value()}});
}

io::Task<int> dial(Session& session, const TargetFlags& flags) {
  const auto target = parse_target(flags.target);
  if (!target) co_return report(target.error(), flags.node.json);
  swarm::DialReport dialed;
  const auto connection = co_await connect(session, *target, &dialed);
  print_report(dialed, flags);
  if (connection) co_return kOk;
  co_return connection.error() == ErrorCode::Timeout ? kTimedOut : kFailed;
}

using Action = io::Task<int> (*)(Session&, const TargetFlags&);

CLI::App* add_command(CLI::App& app, Run& run, const char* name, const char* what, Action action,
                      std::shared_ptr<TargetFlags> flags) {
  CLI::App* command = app.add_subcommand(name, what);
  command->add_option("address", flags->target, "Peer, ending in /p2p/<peer id>")->required()->type_name("MULTIADDR");
  add_node_flags(*command, flags->node);
  add_timeout_flag(*command, flags->node);
  command->callback([flags, action, &run] {
    run = [flags, action] {
      return run_session(flags->node, /*timed=*/true,
                         [flags, action](Session& session) { return action(session, *flags); });
    };
  });
  return command;
}

}  // namespace

void add_identify_command(CLI::App& app, Run& run) {
  add_command(app, run, "identify", "Show what a peer says of itself", identify, std::make_shared<TargetFlags>())
      ->footer("Example:\n  starling identify /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW… --json");
}

void add_dial_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<TargetFlags>();
  CLI::App* command = add_command(app, run, "dial", "Connect to a peer and tell how it went", dial, flags);
  command->add_flag("--explain", flags->explain, "Every address, each stage's time, the outcome and its cause");
  command->footer("Example:\n  starling dial /dns4/example.org/tcp/4001/p2p/12D3KooW… --explain");
}

}  // namespace starling::cli
