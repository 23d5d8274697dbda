// Enumerators and the names they have in files, messages and tables: one table for both directions.
#pragma once

#include <iterator>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace interceptor {

// "?" for a value that the table lacks.
template <typename Table, typename Enum>
constexpr std::string_view NameOf(const Table& table, Enum value) {
  for (const auto& [each, name] : table) {
    if (each == value) return name;
  }
  return "?";
}

template <typename Table>
constexpr auto ValueNamed(const Table& table, std::string_view text) {
  std::optional<std::remove_const_t<decltype(std::begin(table)->first)>> found;
  for (const auto& [each, name] : table) {
    if (name == text) found = each;
  }
  return found;
}

}  // namespace interceptor
