#include "starling/resource/manager.hpp"

#include <algorithm>
#include <utility>

#include "resource/scope.hpp"
#include "starling/base/assert.hpp"

namespace starling::resource {
namespace {

constexpr std::size_t kRoots = 4;  // System, Transient, AllowedSystem, AllowedTransient

/// What is left of a limit for a priority.
std::uint64_t threshold(std::uint64_t limit, Priority priority) {
  const std::uint64_t share = std::uint64_t(priority) + 1;
  return limit / 256 * share + limit % 256 * share / 256;
}

Op op_of(Direction direction) { return direction == Direction::Inbound ? Op::Accept : Op::Dial; }

/// How full the fullest resource is, in 1024ths.
std::uint64_t fullness(const ScopeReport& scope) {
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < kResources; ++i) {
    const std::uint64_t limit = scope.limits[Resource(i)], used = scope.used[Resource(i)];
    if (used > 0 && limit != kUnlimited)
      most = std::max(most, limit < 1024 ? used * 1024 / std::max<std::uint64_t>(1, limit) : used / (limit / 1024));
  }
  return most;
}

}  // namespace

std::string Hold::Scope::path() const {
  switch (kind) {
    case ScopeKind::System:
      return "system";
    case ScopeKind::Transient:
      return "system/transient";
    case ScopeKind::AllowedSystem:
      return "allowed_system";
    case ScopeKind::AllowedTransient:
      return "allowed_system/allowed_transient";
    case ScopeKind::Service:
      return "system/service:" + name;
    case ScopeKind::ServicePeer:
      return "system/peer:" + peer.to_string() + "/service:" + name;
    case ScopeKind::Protocol:
      return "system/protocol:" + name;
    case ScopeKind::ProtocolPeer:
      return "system/peer:" + peer.to_string() + "/protocol:" + name;
    default:
      return "system/peer:" + peer.to_string();
  }
}

std::string Hold::Scope::key() const {
  std::string text(to_string(kind));
  if (!name.empty()) text += ":" + name;
  return text;
}

Hold& Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  release();
  manager_ = std::exchange(other.manager_, nullptr);
  held_ = std::exchange(other.held_, {});
  own_limits_ = other.own_limits_;
  kind_ = other.kind_;
  count_ = std::exchange(other.count_, std::uint8_t{0});
  scopes_ = other.scopes_;
  other.unlink();
  if (manager_ != nullptr) manager_->holds_.push_back(*this);
  return *this;
}

void Hold::release() {
  if (manager_ == nullptr) return;
  while (count_ > 0) manager_->part(*this, *scopes_[count_ - 1]);
  unlink();
  manager_ = nullptr;
  held_ = {};
}

ConnectionScope& ConnectionScope::operator=(ConnectionScope&& other) noexcept {
  if (this == &other) return *this;
  release();
  direction_ = other.direction_;
  remote_ = other.remote_;
  counted_ = std::exchange(other.counted_, false);
  Hold::operator=(std::move(other));
  return *this;
}

void ConnectionScope::release() {
  if (manager_ != nullptr && counted_) manager_->prefixes_.remove(*remote_);
  counted_ = false;
  Hold::release();
}

Status Hold::reserve_memory(std::uint64_t bytes, Priority priority) {
  if (manager_ == nullptr) return {};
  Manager::Want want{{}, priority, Op::Mux};
  want.amounts[Resource::Memory] = bytes;
  STARLING_CHECK(manager_->check_own(*this, want));
  for (std::size_t i = 0; i < count_; ++i) STARLING_CHECK(manager_->check(*scopes_[i], want));
  for (std::size_t i = 0; i < count_; ++i) scopes_[i]->used += want.amounts;
  held_ += want.amounts;
  return {};
}

void Hold::release_memory(std::uint64_t bytes) {
  if (manager_ == nullptr) return;
  STARLING_ASSERT(bytes <= held_[Resource::Memory], "memory is given back once");
  Amounts amounts;
  amounts[Resource::Memory] = bytes;
  for (std::size_t i = 0; i < count_; ++i) scopes_[i]->used -= amounts;
  held_ -= amounts;
}

Status ConnectionScope::set_peer(const PeerId& peer) {
  if (manager_ == nullptr) return {};
  STARLING_ASSERT(count_ == 2, "a connection has one peer");
  Scope &transient = *scopes_[0], &system = *scopes_[1];
  const bool allowed = system.kind == ScopeKind::AllowedSystem;
  if (allowed && !manager_->allowed_.allows(*remote_, peer)) {  // the rule was for another peer
    STARLING_CHECK(manager_->join(*this, manager_->root(ScopeKind::System), op_of(direction_)));
    manager_->part(*this, system);
  }
  STARLING_CHECK(manager_->join(*this, manager_->enter(ScopeKind::Peer, {}, peer), op_of(direction_)));
  manager_->part(*this, transient);
  return {};
}

Status StreamScope::set_protocol(std::string_view protocol) {
  if (manager_ == nullptr) return {};
  STARLING_ASSERT(count_ == 3, "a stream has one protocol");
  STARLING_CHECK(manager_->join(*this, manager_->enter(ScopeKind::Protocol, protocol, {}), Op::OpenStream));
  STARLING_CHECK(manager_->join(*this, manager_->enter(ScopeKind::ProtocolPeer, protocol, peer_), Op::OpenStream));
  manager_->part(*this, manager_->root(ScopeKind::Transient));
  return {};
}

Status StreamScope::set_service(std::string_view service) {
  if (manager_ == nullptr) return {};
  STARLING_ASSERT(count_ == 4, "a stream has one service, after its protocol");
  STARLING_CHECK(manager_->join(*this, manager_->enter(ScopeKind::Service, service, {}), Op::OpenStream));
  return manager_->join(*this, manager_->enter(ScopeKind::ServicePeer, service, peer_), Op::OpenStream);
}

std::size_t Manager::ScopeHash::operator()(const ScopeName& scope) const noexcept {
  std::size_t hash = std::size_t(scope.kind);
  if (!scope.name.empty()) hash += std::hash<std::string_view>{}(scope.name) * 31;
  if (!scope.peer.empty()) hash += std::hash<PeerId>{}(scope.peer);
  return hash;
}
std::size_t Manager::ScopeHash::operator()(const std::unique_ptr<Scope>& scope) const noexcept {
  return (*this)({scope->kind, scope->name, scope->peer});
}
bool Manager::SameScope::operator()(const ScopeName& name, const std::unique_ptr<Scope>& scope) const {
  return name.kind == scope->kind && name.name == scope->name && name.peer == scope->peer;
}
bool Manager::SameScope::operator()(const std::unique_ptr<Scope>& a, const std::unique_ptr<Scope>& b) const {
  return a == b || (*this)({a->kind, a->name, a->peer}, b);
}

Manager::Manager(LimitTable table, AllowList allowed, PrefixOptions prefixes)
    : table_(std::move(table)), allowed_(std::move(allowed)), prefixes_(std::move(prefixes)) {
  for (std::size_t i = 0; i < kRoots; ++i)
    roots_[i] = std::make_unique<Scope>(ScopeKind(i), std::string(), PeerId(), table_[ScopeKind(i)]);
}

Manager::~Manager() {
  while (!holds_.empty()) {
    Hold& orphan = holds_.pop_front();
    orphan.manager_ = nullptr;
    orphan.count_ = 0;
  }
}

const Amounts& Manager::used() const { return roots_[std::size_t(ScopeKind::System)]->used; }

// The first streams of a peer find room where others share it with them.
bool Manager::has_reserve(const Hold& hold, const Scope& scope) const {
  const bool shared =
      std::size_t(scope.kind) < kRoots || scope.kind == ScopeKind::Service || scope.kind == ScopeKind::Protocol;
  return hold.kind_ == ScopeKind::Stream && shared && hold.held_[Resource::Memory] == 0 &&
         hold.scopes_[0]->used[Resource::Streams] <= table_.reserved_streams_per_peer;
}

// The scope, made if it is not there. One that nobody joins must be left again.
Manager::Scope& Manager::enter(ScopeKind kind, std::string_view name, const PeerId& peer) {
  if (const auto found = scopes_.find(ScopeName{kind, name, peer}); found != scopes_.end()) return **found;
  const std::string who = kind == ScopeKind::Peer && !table_.by_name.empty() ? peer.to_string() : std::string(name);
  return **scopes_.insert(std::make_unique<Scope>(kind, std::string(name), peer, table_.of(kind, who))).first;
}

void Manager::leave(Scope& scope) {
  if (scope.holders > 0 || std::size_t(scope.kind) < kRoots) return;
  scopes_.erase(scopes_.find(ScopeName{scope.kind, scope.name, scope.peer}));
}

Status Manager::join(Hold& hold, Scope& scope, Op op) {
  if (!has_reserve(hold, scope)) {
    if (Status status = check(scope, {hold.held_, Priority::Always, op}); !status) {
      leave(scope);
      return status;
    }
  }
  STARLING_ASSERT(hold.count_ < Hold::kMaxScopes, "no chain of scopes is longer");
  scope.used += hold.held_;
  ++scope.holders;
  hold.scopes_[hold.count_++] = &scope;
  return {};
}

void Manager::part(Hold& hold, Scope& scope) {
  const auto end = hold.scopes_.begin() + hold.count_;
  const auto found = std::find(hold.scopes_.begin(), end, &scope);
  std::move(found + 1, end, found);
  --hold.count_;
  scope.used -= hold.held_;
  --scope.holders;
  leave(scope);
}

Status Manager::check(const Scope& scope, const Want& want) {
  for (std::size_t i = 0; i < kResources; ++i) {
    const Resource resource = Resource(i);
    const std::uint64_t more = want.amounts[resource], limit = scope.limits[resource];
    if (more == 0 || limit == kUnlimited) continue;
    const std::uint64_t most = resource == Resource::Memory ? threshold(limit, want.priority) : limit;
    if (more <= most && scope.used[resource] <= most - more) continue;
    return refuse({scope.kind, scope.path(), scope.key()}, resource, scope.used[resource], limit, want);
  }
  return {};
}

Status Manager::check_own(const Hold& hold, const Want& want) {
  const std::uint64_t more = want.amounts[Resource::Memory], limit = (*hold.own_limits_)[Resource::Memory];
  if (limit == kUnlimited) return {};
  const std::uint64_t most = threshold(limit, want.priority), used = hold.memory();
  if (more <= most && used <= most - more) return {};
  const std::string name(to_string(hold.kind_));
  return refuse({hold.kind_, (hold.count_ > 0 ? hold.scopes_[0]->path() + "/" : std::string()) + name, name},
                Resource::Memory, used, limit, want);
}

std::unexpected<Error> Manager::refuse(const Full& full, Resource resource, std::uint64_t used, std::uint64_t limit,
                                       const Want& want) {
  ++counters_.refused_by_scope[std::size_t(full.kind)];
  ++counters_.refused_by_resource[std::size_t(resource)];
  const std::string what(to_string(resource));
  std::string text = full.path + ": " + std::to_string(used) + " of " + std::to_string(limit) + " " + what +
                     " in use, " + std::to_string(want.amounts[resource]) + " more wanted";
  if (resource == Resource::Memory && want.priority != Priority::Always)
    text += " (" + std::to_string((std::uint64_t(want.priority) + 1) * 100 / 256) + "% is for this)";
  text += "; this node's limit \"" + full.key + "." + what + "\" in resource.limits";
  return fail(ErrorCode::LimitExceeded, want.op, Origin::Limit, std::move(text));
}

Result<ConnectionScope> Manager::open_connection(Direction direction, bool uses_descriptor,
                                                 const std::optional<io::IpAddress>& remote, TimePoint now) {
  ConnectionScope hold;
  hold.held_ = Amounts::connection(direction, uses_descriptor);
  hold.own_limits_ = &table_[ScopeKind::Connection];
  hold.kind_ = ScopeKind::Connection;
  hold.direction_ = direction;
  hold.remote_ = remote;
  const bool trusted = remote && allowed_.may_be_allowed(*remote);
  if (direction == Direction::Inbound && remote && !trusted) {
    STARLING_CHECK(prefixes_.add(*remote, now));
    hold.counted_ = true;
  }
  hold.manager_ = this;
  holds_.push_back(hold);
  const Status ordinary = join_both(hold, ScopeKind::Transient, ScopeKind::System);
  if (ordinary) return hold;
  if (!trusted) return std::unexpected(ordinary.error());
  while (hold.count_ > 0) part(hold, *hold.scopes_[hold.count_ - 1]);
  STARLING_CHECK(join_both(hold, ScopeKind::AllowedTransient, ScopeKind::AllowedSystem));
  ++counters_.allowed_beyond_limit;
  return hold;
}

Status Manager::join_both(ConnectionScope& hold, ScopeKind transient, ScopeKind system) {
  STARLING_CHECK(join(hold, root(transient), op_of(hold.direction_)));
  return join(hold, root(system), op_of(hold.direction_));
}

Result<StreamScope> Manager::open_stream(const PeerId& peer, Direction direction) {
  StreamScope hold;
  hold.manager_ = this;
  holds_.push_back(hold);
  hold.held_ = Amounts::stream(direction);
  hold.own_limits_ = &table_[ScopeKind::Stream];
  hold.kind_ = ScopeKind::Stream;
  hold.peer_ = peer;
  STARLING_CHECK(join(hold, enter(ScopeKind::Peer, {}, peer), Op::OpenStream));
  STARLING_CHECK(join(hold, root(ScopeKind::Transient), Op::OpenStream));
  STARLING_CHECK(join(hold, root(ScopeKind::System), Op::OpenStream));
  return hold;
}

std::vector<ScopeReport> Manager::report() const {
  std::vector<ScopeReport> all;
  for (const auto& scope : roots_) all.push_back({scope->kind, scope->path(), scope->limits, scope->used});
  for (const auto& scope : scopes_) all.push_back({scope->kind, scope->path(), scope->limits, scope->used});
  std::sort(all.begin(), all.end(), [](const ScopeReport& a, const ScopeReport& b) {
    const auto order = [](const ScopeReport& scope) { return std::pair(scope.kind, ~fullness(scope)); };
    return order(a) != order(b) ? order(a) < order(b) : a.path < b.path;
  });
  return all;
}

}  // namespace starling::resource
