#include "io/real/name_client.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>
#include <map>
#include <utility>

#include "starling/io/dns_message.hpp"

namespace starling::io {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

constexpr int kUdpPayload = 1232;  // what passes unfragmented everywhere (DNS flag day 2020); larger replies use TCP

// A socket of c-ares that Asio watches. Its handlers may still be called after c-ares closed the socket.
struct Watch {
  Watch(boost::asio::io_context& context, int socket) : descriptor(context) {
    boost::system::error_code ignored;  // a socket that cannot be watched runs into its time-out
    descriptor.assign(socket, ignored);
  }
  Descriptor descriptor;
  bool open = true, wants_read = false, wants_write = false, reading = false, writing = false;
};

// One question under way. c-ares calls back in any case, perhaps after the asker gave up.
struct Lookup {
  NameQuestion question;
  std::string server;
  std::size_t* pending = nullptr;  // the channel's count of them
  WaitQueue done_queue;
  std::optional<Result<NameRecords>> result;
  std::shared_ptr<Lookup> self;  // until c-ares has called back

  void finish(Result<NameRecords> with) {
    --*pending;
    result = std::move(with);
    done_queue.notify_all();
    self.reset();
  }
};

// Changes when the file does.
using FileStamp = std::array<std::int64_t, 4>;
FileStamp stamp_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {std::int64_t(status.st_ino), std::int64_t(status.st_size), std::int64_t(status.st_mtim.tv_sec),
          std::int64_t(status.st_mtim.tv_nsec)};
}

Result<NameRecords> records_of(const ares_addrinfo& info) {
  NameRecords records;
  int ttl = info.nodes != nullptr ? info.nodes->ai_ttl : 0;
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    ttl = std::min(ttl, node->ai_ttl);
    if (node->ai_family == AF_INET) {
      std::array<std::uint8_t, 4> four;
      std::memcpy(four.data(), &reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr, four.size());
      records.addresses.push_back(IpAddress::v4(four));
    } else if (node->ai_family == AF_INET6) {
      const auto* address = reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
      std::array<std::uint8_t, 16> sixteen;
      std::memcpy(sixteen.data(), &address->sin6_addr, sixteen.size());
      records.addresses.push_back(IpAddress::v6(sixteen, address->sin6_scope_id));
    }
  }
  records.ttl = std::chrono::seconds(std::max(ttl, 0));
  return records;
}

void on_addresses(void* argument, int status, int, ares_addrinfo* info) {
  auto& lookup = *static_cast<Lookup*>(argument);
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owner(info, ares_freeaddrinfo);
  if (status != ARES_SUCCESS) return lookup.finish(fail(dns_error(status, lookup.question, lookup.server)));
  auto records = records_of(*info);
  if (records->addresses.empty()) return lookup.finish(fail(dns_error(ARES_ENODATA, lookup.question, lookup.server)));
  lookup.finish(std::move(records));
}

void on_reply(void* argument, int status, int, unsigned char* bytes, int size) {
  auto& lookup = *static_cast<Lookup*>(argument);
  if (status != ARES_SUCCESS) return lookup.finish(fail(dns_error(status, lookup.question, lookup.server)));
  lookup.finish(decode_dns_reply(lookup.question, {bytes, std::size_t(size)}, lookup.server));
}

// How c-ares writes servers: 1.2.3.4:53,[::1]:53.
std::string servers_text(const std::vector<Endpoint>& servers) {
  std::string text;
  for (const Endpoint& server : servers) text += (text.empty() ? "" : ",") + server.to_string();
  return text;
}

std::string servers_of(ares_channel channel, std::uint16_t default_port) {
  ares_addr_port_node* first = nullptr;
  if (ares_get_servers_ports(channel, &first) != ARES_SUCCESS) return {};
  std::vector<Endpoint> servers;
  for (const auto* node = first; node != nullptr; node = node->next) {
    std::array<std::uint8_t, 4> four;
    std::array<std::uint8_t, 16> sixteen;
    std::memcpy(four.data(), &node->addr.addr4, four.size());
    std::memcpy(sixteen.data(), &node->addr.addr6, sixteen.size());
    const auto port = std::uint16_t(node->udp_port == 0 ? default_port : node->udp_port);
    servers.push_back({node->family == AF_INET ? IpAddress::v4(four) : IpAddress::v6(sixteen), port});
  }
  ares_free_data(first);
  return servers_text(servers);
}

}  // namespace

class AresNameClient::Channel {
 public:
  Channel(AsioReactor& reactor, FileStamp stamp_in)
      : stamp(stamp_in), reactor_(reactor), timer_(reactor, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {}
  ~Channel() {
    if (channel_ != nullptr) ares_destroy(channel_);
    for (auto& [socket, watch] : watches_) release(*watch);
  }

  int start(const NameClientOptions& options) {
    ares_options settings{};
    settings.flags = ARES_FLAG_EDNS;
    settings.timeout = int(std::chrono::duration_cast<std::chrono::milliseconds>(options.query_timeout).count());
    settings.tries = options.tries;
    settings.ednspsz = kUdpPayload;
    settings.udp_port = settings.tcp_port = options.resolv_conf_port;
    std::string path = options.resolv_conf;
    settings.resolvconf_path = path.data();
    settings.sock_state_cb = [](void* self, ares_socket_t socket, int read, int write) {
      static_cast<Channel*>(self)->on_socket(socket, read != 0, write != 0);
    };
    settings.sock_state_cb_data = this;
    int status =
        ares_init_options(&channel_, &settings,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
                              ARES_OPT_RESOLVCONF | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) channel_ = nullptr;
    if (status == ARES_SUCCESS && !options.servers.empty())
      status = ares_set_servers_ports_csv(channel_, servers_text(options.servers).c_str());
    if (status == ARES_SUCCESS) servers = servers_of(channel_, options.resolv_conf_port);
    return status;
  }

  std::shared_ptr<Lookup> ask(NameQuestion question) {
    auto lookup = std::make_shared<Lookup>();
    lookup->question = std::move(question);
    lookup->server = servers;
    lookup->self = lookup;
    lookup->pending = &pending;
    ++pending;
    const NameQuestion& asked = lookup->question;
    if (asked.type == RecordType::Txt) {
      ares_query(channel_, asked.name.c_str(), ns_c_in, ns_t_txt, on_reply, lookup.get());
    } else {
      ares_addrinfo_hints hints{};
      hints.ai_flags = ARES_AI_NOSORT;  // the dialer has an order of its own
      hints.ai_family = asked.type == RecordType::A ? AF_INET : AF_INET6;
      ares_getaddrinfo(channel_, asked.name.c_str(), nullptr, &hints, on_addresses, lookup.get());
    }
    set_timer();
    return lookup;
  }

  const FileStamp stamp;
  std::string servers;
  std::size_t pending = 0;  // lookups that c-ares has not ended, those given up by their asker included

 private:
  void on_socket(int socket, bool read, bool write) {
    const auto known = watches_.find(socket);
    if (!read && !write) {
      if (known == watches_.end()) return;
      release(*known->second);
      watches_.erase(known);
      return;
    }
    auto& watch = known != watches_.end() ? known->second : watches_[socket];
    if (!watch) watch = std::make_shared<Watch>(reactor_.context(), socket);
    watch->wants_read = read;
    watch->wants_write = write;
    arm(watch);
  }

  // The socket stays c-ares's to close.
  static void release(Watch& watch) {
    watch.open = false;
    watch.descriptor.release();
  }

  void arm(const std::shared_ptr<Watch>& watch) {
    if (watch->wants_read && !std::exchange(watch->reading, true)) {
      watch->descriptor.async_wait(Descriptor::wait_read, [this, watch](const boost::system::error_code&) {
        watch->reading = false;
        if (watch->open) ready(watch, watch->descriptor.native_handle(), ARES_SOCKET_BAD);
      });
    }
    if (watch->wants_write && !std::exchange(watch->writing, true)) {
      watch->descriptor.async_wait(Descriptor::wait_write, [this, watch](const boost::system::error_code&) {
        watch->writing = false;
        if (watch->open) ready(watch, ARES_SOCKET_BAD, watch->descriptor.native_handle());
      });
    }
  }

  void ready(const std::shared_ptr<Watch>& watch, int readable, int writable) {
    process(readable, writable);
    if (watch->open) arm(watch);
  }

  void process(int readable, int writable) {
    ares_process_fd(channel_, readable, writable);
    set_timer();
  }

  void set_timer() {
    timeval buffer{};
    if (const timeval* next = ares_timeout(channel_, nullptr, &buffer)) {
      timer_.set(reactor_.after(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec)));
    } else {
      timer_.cancel();
    }
  }

  AsioReactor& reactor_;
  ares_channel channel_ = nullptr;
  std::map<int, std::shared_ptr<Watch>> watches_;
  CallbackTimer timer_;
};

AresNameClient::AresNameClient(AsioReactor& reactor, NameClientOptions options)
    : reactor_(reactor), options_(std::move(options)) {}

AresNameClient::~AresNameClient() = default;

// The channel of the servers that hold now: a machine that moves to another network gets another resolv.conf.
Result<AresNameClient::Channel*> AresNameClient::channel() {
  const FileStamp stamp = options_.servers.empty() ? stamp_of(options_.resolv_conf) : FileStamp{};
  std::erase_if(retired_, [](const auto& channel) { return channel->pending == 0; });
  if (current_ && current_->stamp == stamp) return current_.get();
  auto fresh = std::make_unique<Channel>(reactor_, stamp);
  if (const int status = fresh->start(options_); status != ARES_SUCCESS) {
    return fail(ErrorCode::NameServerFailed, Op::Resolve, Origin::Local,
                std::string("c-ares does not start: ") + ares_strerror(status));
  }
  if (current_) retired_.push_back(std::move(current_));
  current_ = std::move(fresh);
  return current_.get();
}

Task<Result<NameRecords>> AresNameClient::look_up(NameQuestion question) {
  if (auto known = answer_without_server(question)) co_return std::move(*known);
  std::size_t pending = current_ ? current_->pending : 0;
  for (const auto& old : retired_) pending += old->pending;
  if (pending >= options_.max_pending) {
    co_return fail(ErrorCode::LimitExceeded, Op::Resolve, Origin::Limit,
                   question.to_string() + ": " + std::to_string(pending) + " lookups wait for " + description());
  }
  STARLING_CO_TRY(Channel* const channel, channel());
  const auto lookup = channel->ask(std::move(question));
  while (!lookup->result) STARLING_CO_CHECK(co_await lookup->done_queue.wait());
  co_return std::move(*lookup->result);
}

std::string AresNameClient::description() const {
  if (!options_.servers.empty()) return servers_text(options_.servers);
  return current_ ? current_->servers : "the servers of " + options_.resolv_conf;
}

}  // namespace starling::io
