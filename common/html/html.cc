#include "common/html/html.h"

#include <cmath>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/base/number_text.h"
#include "common/base/status.h"

namespace interceptor {
namespace {

const nlohmann::json kNull;

constexpr int kIntervalDecimals = 3;

}  // namespace

std::string EscapeHtml(std::string_view text) {
  return absl::StrReplaceAll(
      ToAbsl(text), {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

std::string RoundedText(double value, int decimals, Sign sign) {
  const double scale = std::pow(10, decimals);
  if (std::abs(value) * scale < 0.5) value = 0;
  return sign == Sign::kAlways ? absl::StrFormat("%+.*f", decimals, value)
                               : absl::StrFormat("%.*f", decimals, value);
}

ReportField ReportField::Child(const nlohmann::json* value, std::string name) const {
  return {value == nullptr ? kNull : *value, path_.empty() ? std::move(name) : Cat(path_, ".", name)};
}

ReportField ReportField::operator[](std::string_view key) const {
  const std::string name(key);
  const bool is_there = value_->is_object() && value_->contains(name);
  return Child(is_there ? &value_->at(name) : nullptr, name);
}

ReportField ReportField::operator[](size_t index) const {
  const bool is_there = value_->is_array() && index < value_->size();
  return Child(is_there ? &value_->at(index) : nullptr, Cat(index));
}

std::string ReportField::Attributes() const {
  std::string attributes = Cat(" data-field=\"", EscapeHtml(path_), "\"");
  if (value_->is_number()) attributes += Cat(" data-value=\"", NumberText(Number()), "\"");
  return attributes;
}

std::string TextSpan(const ReportField& field) {
  return Cat("<span", field.Attributes(), ">", EscapeHtml(field.Text()), "</span>");
}

std::string NumberSpan(const ReportField& field, int decimals, Sign sign) {
  return Cat("<span class=\"n\"", field.Attributes(), ">", RoundedText(field.Number(), decimals, sign),
             "</span>");
}

std::string CountSpan(const ReportField& field) { return NumberSpan(field, 0); }

IntervalFields FieldsOf(const ReportField& interval) {
  if (!interval["estimate"].is_null()) return {interval["estimate"], interval["low"], interval["high"]};
  const ReportField ends = interval["interval"];
  return {interval["value"], ends[size_t{0}], ends[size_t{1}]};
}

std::string IntervalSpans(const ReportField& field, Sign sign) {
  const auto [estimate, low, high] = FieldsOf(field);
  return Cat(NumberSpan(estimate, kIntervalDecimals, sign), " <span class=\"ci\">[",
             NumberSpan(low, kIntervalDecimals, sign), ", ", NumberSpan(high, kIntervalDecimals, sign),
             "]</span>");
}

std::string Mark(std::string_view text) { return Cat("<span class=\"mark\">", EscapeHtml(text), "</span>"); }

std::string MarkIf(const ReportField& flag, std::string_view text) {
  return flag.IsTrue() ? Cat(" ", Mark(text)) : "";
}

std::string Table(const std::vector<std::string>& heads, const std::vector<TableRow>& rows) {
  std::string table = "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";
  for (const std::string& head : heads) table += Cat("<th scope=\"col\">", head, "</th>");
  table += "</tr></thead><tbody>";
  for (const TableRow& row : rows) {
    table += row.css_class.empty() ? "<tr>" : Cat("<tr class=\"", row.css_class, "\">");
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const bool is_last = i + 1 == row.cells.size();
      const size_t span = is_last ? heads.size() - i : 1;
      const std::string columns = span > 1 ? Cat(" class=\"text\" colspan=\"", span, "\"") : "";
      table += i == 0 ? Cat("<th scope=\"row\">", row.cells[i], "</th>")
                      : Cat("<td", columns, ">", row.cells[i], "</td>");
    }
    table += "</tr>";
  }
  return table + "</tbody></table></div>";
}

}  // namespace interceptor
