// What the options say about addresses, as the layers below take it.
#pragma once

#include "starling/host/host.hpp"
#include "starling/runtime/options.hpp"

namespace starling::runtime {

AddressBookOptions address_book_options(const Options& options);
host::ObservedOptions observed_options(const Options& options);
/// Of options that are valid.
host::AnnounceRules announce_rules(const Options& options);

}  // namespace starling::runtime
