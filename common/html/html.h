// HTML of a report's values. Whatever shows a value names it: data-field is its path in the report, data-value the number
// in full. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace interceptor {

// Fit for text and for attributes in double quotes.
std::string EscapeHtml(std::string_view text);

// "0.912" or, signed, "+0.012"; never "-0.000".
enum class Sign { kMinusOnly, kAlways };
std::string RoundedText(double value, int decimals, Sign sign = Sign::kMinusOnly);

// A value of a report and its path there, "specialists.0.report.auc.value". REQUIRES: the report outlives it.
class ReportField {
 public:
  explicit ReportField(const nlohmann::json& report) : value_(&report) {}

  // Null where there is none.
  ReportField operator[](std::string_view key) const;
  ReportField operator[](size_t index) const;

  size_t size() const { return value_->size(); }
  bool is_null() const { return value_->is_null(); }
  bool IsTrue() const { return value_->is_boolean() && value_->get<bool>(); }
  // REQUIRES: it is one.
  double Number() const { return value_->get<double>(); }
  std::string Text() const { return value_->get<std::string>(); }

  // ' data-field="..."', for a number with ' data-value="..."'.
  std::string Attributes() const;

 private:
  ReportField(const nlohmann::json& value, std::string path) : value_(&value), path_(std::move(path)) {}
  ReportField Child(const nlohmann::json* value, std::string name) const;

  const nlohmann::json* value_;
  std::string path_;
};

// Spans of a text, a number, a whole number.
std::string TextSpan(const ReportField& field);
std::string NumberSpan(const ReportField& field, int decimals, Sign sign = Sign::kMinusOnly);
std::string CountSpan(const ReportField& field);

// "0.912 [0.881, 0.940]" of {value, interval} or of {estimate, low, high}.
std::string IntervalSpans(const ReportField& field, Sign sign = Sign::kMinusOnly);

// The ends of such an interval.
struct IntervalFields {
  ReportField estimate;
  ReportField low;
  ReportField high;
};
IntervalFields FieldsOf(const ReportField& interval);

// A short warning; where the flag is true one after a space.
std::string Mark(std::string_view text);
std::string MarkIf(const ReportField& flag, std::string_view text);

// A table that scrolls by itself where it is too wide. Cells are markup.
struct TableRow {
  std::vector<std::string> cells;
  std::string_view css_class = "";
};
std::string Table(const std::vector<std::string>& heads, const std::vector<TableRow>& rows);

}  // namespace interceptor
