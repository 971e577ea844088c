// Does this compiler get coroutines right? Everyday co_await expressions, each with objects that know whether they
// were made and destroyed exactly once. Prints every pattern that went wrong; ends with their number.
// Needs nothing but the standard library. tools/check_compiler builds and runs it; docs/adr/0002-compiler.md cites it.
#include <coroutine>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace {

std::set<const void*> living;
int faults = 0;

// Registers itself by address: destroying twice, or using a copy made byte by byte, shows.
struct Tracked {
  explicit Tracked(int v = 0) : value(v), heap(std::make_unique<int>(v)) { made(); }
  Tracked(const Tracked& other) : value(other.value), heap(std::make_unique<int>(other.value)) { made(); }
  Tracked(Tracked&& other) noexcept : value(other.value), heap(std::make_unique<int>(other.value)) { made(); }
  Tracked& operator=(const Tracked& other) {
    value = other.value;
    return *this;
  }
  Tracked& operator=(Tracked&& other) noexcept {
    value = other.value;
    return *this;
  }
  ~Tracked() {
    if (living.erase(this) == 1) return;
    ++faults;
    (void)heap.release();  // destroyed before, or never made: its memory is not to be trusted
  }
  void made() {
    if (!living.insert(this).second) ++faults;
  }
  int value;
  std::unique_ptr<int> heap;
};

template <typename T>
struct Task;

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <typename P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) noexcept {
      return h.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() { std::terminate(); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
};

template <typename T>
struct [[nodiscard]] Task {
  using promise_type = Promise<T>;
  explicit Task(std::coroutine_handle<promise_type> h) : handle(h) {}
  Task(Task&& other) noexcept : handle(std::exchange(other.handle, {})) {}
  ~Task() {
    if (handle) handle.destroy();
  }
  bool await_ready() noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
    handle.promise().continuation = parent;
    return handle;
  }
  T await_resume() { return std::move(*handle.promise().value); }
  std::coroutine_handle<promise_type> handle;
};

template <typename T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

struct Pair {
  Tracked tracked;
  int number = 0;
};
struct Options {
  Tracked first;
  Tracked second;
  int number = 0;
};
struct Nested {
  Pair pair;
  std::string name;
};

// An awaiter that is an aggregate with a member that has a destructor.
struct AggregateAwaiter {
  Tracked tracked;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return tracked.value; }
};
struct ReadyAwaiter {
  int value;
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  int await_resume() const noexcept { return value; }
};

Task<int> by_value(Tracked t) { co_return t.value; }
Task<int> by_reference(const Tracked& t) { co_return t.value; }
Task<int> by_rvalue(Tracked&& t) { co_return t.value; }
Task<int> pair_value(Pair p) { co_return p.tracked.value + p.number; }
Task<int> pair_reference(const Pair& p) { co_return p.tracked.value + p.number; }
Task<int> options_value(Options o) { co_return o.first.value + o.second.value + o.number; }
Task<int> nested_value(Nested n) { co_return n.pair.tracked.value + int(n.name.size()); }
Task<int> call(std::function<int()> f) { co_return f(); }
Task<int> call_reference(const std::function<int()>& f) { co_return f(); }
Task<int> call_task(std::function<Task<int>()> f) { co_return co_await f(); }
Task<int> many(std::vector<Tracked> v) { co_return int(v.size()); }
Task<int> list(std::initializer_list<Tracked> v) { co_return int(v.size()); }
Task<Tracked> make(int v) { co_return Tracked(v); }
Task<Pair> make_pair_of(int v) { co_return Pair{Tracked(v), v}; }
Task<std::optional<Tracked>> maybe(int v) { co_return std::optional<Tracked>(Tracked(v)); }
Task<std::variant<int, Tracked>> either(int v) { co_return std::variant<int, Tracked>(Tracked(v)); }
Task<std::unique_ptr<Tracked>> owned(int v) { co_return std::make_unique<Tracked>(v); }
template <typename F>
Task<int> generic(F f) {
  co_return f();
}
Task<int> sum(int a, int b) { co_return a + b; }
Task<int> text(std::string s) { co_return int(s.size()); }

struct Object {
  Tracked member{7};
  Task<int> method() const { co_return member.value; }
  Task<int> with(Pair p) const { co_return member.value + p.number; }
};

using Pattern = Task<int> (*)();
struct Case {
  const char* name;
  Pattern run;
  int expected;
};

const Case kCases[] = {
    {"prvalue by value", []() -> Task<int> { co_return co_await by_value(Tracked(3)); }, 3},
    {"prvalue by reference", []() -> Task<int> { co_return co_await by_reference(Tracked(3)); }, 3},
    {"prvalue by rvalue", []() -> Task<int> { co_return co_await by_rvalue(Tracked(3)); }, 3},
    {"named, copied",
     []() -> Task<int> {
       Tracked t(3);
       co_return co_await by_value(t);
     },
     3},
    {"named, moved",
     []() -> Task<int> {
       Tracked t(3);
       co_return co_await by_value(std::move(t));
     },
     3},
    {"aggregate prvalue", []() -> Task<int> { co_return co_await pair_value(Pair{Tracked(3), 1}); }, 4},
    {"aggregate from braces", []() -> Task<int> { co_return co_await pair_value({Tracked(3), 1}); }, 4},
    {"aggregate, designated",
     []() -> Task<int> { co_return co_await pair_value({.tracked = Tracked(3), .number = 1}); }, 4},
    {"const aggregate& from braces", []() -> Task<int> { co_return co_await pair_reference({Tracked(3), 1}); }, 4},
    {"aggregate moved in",
     []() -> Task<int> {
       Pair p{Tracked(3), 1};
       co_return co_await pair_value(std::move(p));
     },
     4},
    {"options, designated",
     []() -> Task<int> { co_return co_await options_value({.first = Tracked(1), .second = Tracked(2), .number = 3}); },
     6},
    {"nested aggregate", []() -> Task<int> { co_return co_await nested_value({{Tracked(3), 1}, "name"}); }, 7},
    {"lambda to function",
     []() -> Task<int> {
       Tracked t(3);
       co_return co_await call([t] { return t.value; });
     },
     3},
    {"lambda, init capture",
     []() -> Task<int> {
       Tracked t(3);
       co_return co_await call([u = t] { return u.value; });
     },
     3},
    {"lambda to const function&",
     []() -> Task<int> {
       Tracked t(3);
       co_return co_await call_reference([t] { return t.value; });
     },
     3},
    {"lambda to template",
     []() -> Task<int> {
       Tracked t(3);
       co_return co_await generic([t] { return t.value; });
     },
     3},
    {"lambda, moved capture",
     []() -> Task<int> {
       Tracked t(3);
       co_return co_await generic([t = std::move(t)] { return t.value; });
     },
     3},
    {"named lambda to function",
     []() -> Task<int> {
       Tracked t(3);
       auto f = [t] { return t.value; };
       co_return co_await call(f);
     },
     3},
    {"coroutine lambda to function",
     []() -> Task<int> {
       Tracked t(3);
       co_return co_await call_task([t]() -> Task<int> { co_return t.value; });
     },
     3},
    {"lambda called at once",
     []() -> Task<int> {
       Tracked t(3);
       co_return co_await [t]() -> Task<int> { co_return t.value; }();
     },
     3},
    {"lambda called at once, argument",
     []() -> Task<int> { co_return co_await [](Tracked u) -> Task<int> { co_return u.value; }(Tracked(3)); }, 3},
    {"?: of awaits",
     []() -> Task<int> {
       bool b = living.empty();
       co_return b ? co_await by_value(Tracked(1)) : co_await by_value(Tracked(1));
     },
     1},
    {"?: as argument",
     []() -> Task<int> {
       bool b = true;
       co_return co_await by_value(b ? Tracked(3) : Tracked(4));
     },
     3},
    {"?: of tasks",
     []() -> Task<int> {
       bool b = false;
       co_return co_await (b ? by_value(Tracked(3)) : by_value(Tracked(4)));
     },
     4},
    {"&& of awaits", []() -> Task<int> { co_return co_await by_value(Tracked(1)) && co_await by_value(Tracked(2)); },
     1},
    {"|| of awaits", []() -> Task<int> { co_return co_await by_value(Tracked(0)) || co_await by_value(Tracked(2)); },
     1},
    {"comma", []() -> Task<int> { co_return (co_await by_value(Tracked(1)), co_await by_value(Tracked(2))); }, 2},
    {"aggregate awaiter used", []() -> Task<int> { co_return co_await AggregateAwaiter{Tracked(3)}; }, 3},
    {"aggregate awaiter discarded",
     []() -> Task<int> {
       co_await AggregateAwaiter{Tracked(3)};
       co_return 3;
     },
     3},
    {"ready awaiter", []() -> Task<int> { co_return co_await ReadyAwaiter{3}; }, 3},
    {"aggregate initialised with co_await",
     []() -> Task<int> {
       Pair p{co_await make(3), 1};
       co_return p.tracked.value;
     },
     3},
    {"aggregate of two awaits",
     []() -> Task<int> {
       Options o{co_await make(1), co_await make(2), 3};
       co_return o.first.value + o.second.value;
     },
     3},
    {"new with co_await",
     []() -> Task<int> {
       std::unique_ptr<Pair> p(new Pair{co_await make(3), 1});
       co_return p->tracked.value;
     },
     3},
    {"make_unique of co_await",
     []() -> Task<int> {
       auto p = std::make_unique<Tracked>(co_await make(3));
       co_return p->value;
     },
     3},
#ifndef WITHOUT_LISTS  // g++ 12 does not compile these
    {"initializer_list", []() -> Task<int> { co_return co_await list({Tracked(1), Tracked(2)}); }, 2},
    {"vector from braces", []() -> Task<int> { co_return co_await many({Tracked(1), Tracked(2)}); }, 2},
    {"vector prvalue", []() -> Task<int> { co_return co_await many(std::vector{Tracked(1), Tracked(2)}); }, 2},
    {"vector of awaits",
     []() -> Task<int> {
       std::vector<Tracked> v{co_await make(1), co_await make(2)};
       co_return int(v.size());
     },
     2},
#endif
    {"result bound to const&",
     []() -> Task<int> {
       const Tracked& t = co_await make(3);
       co_return t.value;
     },
     3},
    {"result bound to &&",
     []() -> Task<int> {
       auto&& t = co_await make(3);
       co_return t.value;
     },
     3},
    {"member of result", []() -> Task<int> { co_return (co_await make_pair_of(3)).tracked.value; }, 3},
    {"optional result", []() -> Task<int> { co_return (co_await maybe(3))->value; }, 3},
    {"variant result", []() -> Task<int> { co_return std::get<Tracked>(co_await either(3)).value; }, 3},
    {"unique_ptr result", []() -> Task<int> { co_return (co_await owned(3))->value; }, 3},
    {"structured binding",
     []() -> Task<int> {
       auto [t, n] = co_await make_pair_of(3);
       co_return t.value + n;
     },
     6},
    {"await in argument of await", []() -> Task<int> { co_return co_await by_value(co_await make(3)); }, 3},
    {"two awaits in one call",
     []() -> Task<int> { co_return co_await sum(co_await by_value(Tracked(1)), co_await by_value(Tracked(2))); }, 3},
    {"await in if",
     []() -> Task<int> {
       if (auto t = co_await make(3); t.value == 3) co_return 3;
       co_return 0;
     },
     3},
    {"await in while",
     []() -> Task<int> {
       int n = 0;
       while (co_await by_value(Tracked(n)) < 3) ++n;
       co_return n;
     },
     3},
#ifndef WITHOUT_LISTS
    {"await in for range",
     []() -> Task<int> {
       int n = 0;
       for (const auto& t : std::vector<Tracked>{co_await make(1), co_await make(2)}) n += t.value;
       co_return n;
     },
     3},
#endif
    {"await in switch",
     []() -> Task<int> {
       switch (co_await by_value(Tracked(2))) {
         case 2:
           co_return 5;
         default:
           co_return 0;
       }
     },
     5},
    {"method of a temporary", []() -> Task<int> { co_return co_await Object{}.method(); }, 7},
    {"method with aggregate",
     []() -> Task<int> {
       Object o;
       co_return co_await o.with({Tracked(1), 2});
     },
     9},
    {"string concatenation",
     []() -> Task<int> {
       std::string s(40, 'x');
       co_return co_await text(s + "tail" + std::to_string(1));
     },
     45},
    {"tuple of awaits",
     []() -> Task<int> {
       auto t = std::make_tuple(co_await make(1), co_await make(2));
       co_return std::get<1>(t).value;
     },
     2},
    {"assignment",
     []() -> Task<int> {
       Tracked t(1);
       t = co_await make(3);
       co_return t.value;
     },
     3},
    {"discarded task",
     []() -> Task<int> {
       {
         auto t = make(3);
         (void)t;
       }
       co_return 3;
     },
     3},
};

template <typename T>
T run(Task<T> task) {
  task.handle.resume();
  return std::move(*task.handle.promise().value);
}

Task<int> deep(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await deep(depth - 1);
}

Task<int> loop(int count) {
  int total = 0;
  for (int i = 0; i < count; ++i) total += co_await by_value(Tracked(1));
  co_return total;
}

bool check(const char* name, int got, int expected) {
  const bool right = got == expected && faults == 0 && living.empty();
  if (!right)
    std::printf("WRONG  %s: value %d (expected %d), %d faults, %zu leaked\n", name, got, expected, faults,
                living.size());
  faults = 0;
  living.clear();
  return right;
}

}  // namespace

int main(int argc, char**) {
  int wrong = 0;
  for (const Case& c : kCases) wrong += !check(c.name, run(c.run()), c.expected);
  wrong += !check("1,000 awaits deep", run(deep(1000)), 1000);
  if (argc > 1) wrong += !check("1,000,000 ready awaits in a row", run(loop(1'000'000)), 1'000'000);
  std::printf("%zu patterns, %d wrong\n", std::size(kCases) + 1 + (argc > 1), wrong);
  return wrong != 0;
}
