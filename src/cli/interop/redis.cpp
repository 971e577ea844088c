#include "cli/interop/redis.hpp"

#include <hiredis/hiredis.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace starling::cli {
namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { ::freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

Error redis_error(std::string what) {
  return Error(ErrorCode::SocketFailed, Op::Connect, Origin::Network, "redis: " + std::move(what));
}

template <typename... Arguments>
Result<Reply> command(redisContext* context, const char* format, Arguments... arguments) {
  Reply reply(static_cast<redisReply*>(::redisCommand(context, format, arguments...)));
  if (!reply) return fail(redis_error(context->errstr));
  if (reply->type == REDIS_REPLY_ERROR) return fail(redis_error(reply->str));
  return reply;
}

Status done(Result<Reply> reply) {
  if (!reply) return std::unexpected(std::move(reply).error());
  return {};
}

}  // namespace

void Redis::Free::operator()(redisContext* context) const { ::redisFree(context); }

Result<Redis> Redis::connect(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const int port = colon == std::string::npos ? 6379 : std::atoi(address.c_str() + colon + 1);
  redisContext* context = ::redisConnect(host.c_str(), port);
  if (context == nullptr) return fail(redis_error("out of memory"));
  Redis redis(context);
  if (context->err != 0) return fail(redis_error(address + ": " + context->errstr));
  return redis;
}

Status Redis::remove(const std::string& key) { return done(command(context_.get(), "DEL %s", key.c_str())); }

Status Redis::push(const std::string& key, const std::string& value) {
  return done(command(context_.get(), "RPUSH %s %s", key.c_str(), value.c_str()));
}

Status Redis::set(const std::string& key, const std::string& value) {
  return done(command(context_.get(), "SET %s %s", key.c_str(), value.c_str()));
}

Result<std::string> Redis::wait_for(const std::string& key, Duration limit) {
  constexpr auto kPoll = std::chrono::milliseconds(20);
  for (Duration waited{}; waited < limit; waited += kPoll) {
    STARLING_TRY(const Reply type, command(context_.get(), "TYPE %s", key.c_str()));
    const std::string kind = type->str != nullptr ? type->str : "none";
    if (kind != "none") {
      STARLING_TRY(const Reply value, command(context_.get(), kind == "list" ? "LPOP %s" : "GET %s", key.c_str()));
      if (value->type == REDIS_REPLY_STRING) return std::string(value->str, value->len);
    }
    std::this_thread::sleep_for(kPoll);  // the only polling there is: the suites know no other signal for strings
  }
  return fail(ErrorCode::Timeout, Op::Connect, Origin::Timeout, "no value under redis key " + key);
}

}  // namespace starling::cli
