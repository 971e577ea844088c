// A doubly linked list whose nodes live in their owners: no allocation, O(1) removal, self-unlinking nodes.
#pragma once

#include "starling/base/assert.hpp"

namespace starling {

/// Base of anything that can be in one list. Not copied, not moved; leaves its list when destroyed.
template <typename Tag = void>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }
  bool linked() const { return next_ != this; }
  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = this;
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;
  ListNode* next_ = this;
  ListNode* previous_ = this;
};

/// List of T, which derives from ListNode<Tag>. Nodes still in it when it dies are unlinked.
template <typename T, typename Tag = void>
class IntrusiveList {
 public:
  IntrusiveList() = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) pop_front();
  }
  bool empty() const { return !head_.linked(); }
  void push_back(T& item) {
    ListNode<Tag>& node = item;
    STARLING_ASSERT(!node.linked(), "a node is in one list at a time");
    node.previous_ = head_.previous_;
    node.next_ = &head_;
    head_.previous_->next_ = &node;
    head_.previous_ = &node;
  }
  T& front() { return static_cast<T&>(*head_.next_); }
  T& pop_front() {
    T& item = front();
    static_cast<ListNode<Tag>&>(item).unlink();
    return item;
  }
  /// Moves all nodes of `other` behind ours.
  void splice(IntrusiveList& other) {
    if (other.empty()) return;
    ListNode<Tag>*first = other.head_.next_, *last = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
  }

 private:
  ListNode<Tag> head_;
};

}  // namespace starling
