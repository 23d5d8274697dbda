#include "worker/child_protocol/score_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/enum_names.h"
#include "common/base/number_text.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr int kVersion = 2;
constexpr std::string_view kMark = "#score_table";

constexpr std::pair<Half, std::string_view> kHalves[] = {{Half::kCalibrate, "calibrate"},
                                                         {Half::kReport, "report"}};

constexpr std::array kRequired = {"chunk", "clip", "family", "label", "logit",
                                  "fold",  "half", "split",  "step"};
constexpr std::array kOptional = {"abstained", "window_logits"};
constexpr std::array kParts = {"backbone_logit", "evidence_logit", "self_made_logit"};

// A comma, a quote or a new line in a clip's name must not shift the columns (RFC 4180).
std::string Field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return Cat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

std::string WindowText(const std::vector<double>& windows) {
  std::string text;
  for (const double logit : windows) text += Cat(text.empty() ? "" : " ", NumberText(logit));
  return text;
}

// Takes one record with its line end off `text`; false when it breaks off.
bool TakeRecord(std::string_view& text, std::vector<std::string>& fields) {
  fields.assign(1, "");
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
      fields.back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c == '\n' && !quoted) {
      text.remove_prefix(i + 1);
      return true;
    } else {
      fields.back() += c;
    }
  }
  return false;
}

bool ParseNumber(std::string_view text, double& value) {
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && parsed == end && std::isfinite(value);
}

bool ParseWindows(const std::string& text, std::vector<double>& windows) {
  if (text.empty()) return true;
  for (const absl::string_view each : absl::StrSplit(text, ' ')) {
    windows.emplace_back();
    if (!ParseNumber(FromAbsl(each), windows.back())) return false;
  }
  return true;
}

// What the first line says of the whole table; version 1 had no such line.
struct Preamble {
  int version = 1;
  std::optional<size_t> rows;
  std::string plan_digest;
};

absl::StatusOr<Preamble> TakePreamble(std::string_view& text) {
  Preamble preamble;
  if (!text.starts_with(kMark)) return preamble;
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return DataLoss("score table, line 1: the table breaks off");
  preamble.version = 0;
  for (const absl::string_view word : absl::StrSplit(ToAbsl(text.substr(0, end)), ' ')) {
    const std::pair<std::string, std::string> entry = absl::StrSplit(word, absl::MaxSplits('=', 1));
    size_t rows = 0;
    if (entry.first == "version") {
      if (!absl::SimpleAtoi(entry.second, &preamble.version)) preamble.version = 0;
    } else if (entry.first == "rows" && absl::SimpleAtoi(entry.second, &rows)) {
      preamble.rows = rows;
    } else if (entry.first == "plan") {
      preamble.plan_digest = entry.second;
    }
  }
  if (preamble.version > kVersion) {
    return DataLoss("score table: it has version ", preamble.version, ", this build reads up to ", kVersion,
                    "; update it");
  }
  if (preamble.version < 2 || !preamble.rows) {
    return DataLoss("score table, line 1: '", text.substr(0, end), "' names no version or no number of rows");
  }
  text.remove_prefix(end + 1);
  return preamble;
}

// Where each column stands; those that are none of the table's own are attributes.
class Columns {
 public:
  static absl::StatusOr<Columns> Create(std::vector<std::string> names, int version) {
    Columns columns;
    columns.count_ = names.size();
    for (size_t i = 0; i < names.size(); ++i) {
      if (!columns.places_.emplace(names[i], i).second) {
        return DataLoss("score table: it has two columns '", names[i], "'");
      }
    }
    for (const char* name : kRequired) {
      if (!columns.Has(name)) return DataLoss("score table: it has no column '", name, "'");
    }
    for (const char* name : kOptional) {
      if (version >= 2 && !columns.Has(name)) return DataLoss("score table: it has no column '", name, "'");
    }
    const auto has = [&](const char* name) { return columns.Has(name); };
    columns.parts_ = std::all_of(kParts.begin(), kParts.end(), has);
    for (std::string& name : names) {
      const auto is = [&](const char* own) { return name == own; };
      if (std::any_of(kRequired.begin(), kRequired.end(), is) ||
          std::any_of(kOptional.begin(), kOptional.end(), is) ||
          std::any_of(kParts.begin(), kParts.end(), is)) {
        continue;
      }
      columns.attributes_.push_back(std::move(name));
    }
    return columns;
  }

  size_t count() const { return count_; }
  bool parts() const { return parts_; }
  const std::vector<std::string>& attributes() const { return attributes_; }
  bool Has(const std::string& name) const { return places_.contains(name); }
  size_t PlaceOf(const std::string& name) const { return places_.at(name); }

 private:
  size_t count_ = 0;
  bool parts_ = false;
  std::vector<std::string> attributes_;
  std::map<std::string, size_t> places_;
};

// The names of columns whose text is not what they hold, or empty.
std::string ReadRow(const Columns& columns, const std::vector<std::string>& fields, ScoreRow& row) {
  std::string wrong;
  const auto text = [&](const char* name) -> const std::string& { return fields[columns.PlaceOf(name)]; };
  const auto expect = [&](bool good, const std::string& name) {
    if (!good && wrong.empty()) wrong = Cat(name, " '", fields[columns.PlaceOf(name)], "'");
  };
  row.clip = {.chunk = text("chunk"), .name = text("clip"), .family = text("family")};
  const auto label = ParseLabel(text("label"));
  expect(label.has_value(), "label");
  row.clip.label = label.value_or(Label::kReal);
  expect(ParseNumber(text("logit"), row.logit), "logit");
  expect(absl::SimpleAtoi(text("fold"), &row.clip.fold), "fold");
  const auto half = ValueNamed(kHalves, text("half"));
  expect(half.has_value(), "half");
  row.half = half.value_or(Half::kCalibrate);
  const auto split = ParseEvaluationKind(text("split"));
  expect(split.has_value(), "split");
  row.split = split.value_or(EvaluationKind::kHeldOut);
  expect(absl::SimpleAtoi(text("step"), &row.step), "step");
  if (columns.Has("abstained")) {
    expect(text("abstained") == "0" || text("abstained") == "1", "abstained");
    row.abstained = text("abstained") == "1";
  }
  if (columns.Has("window_logits")) expect(ParseWindows(text("window_logits"), row.windows), "window_logits");
  if (columns.parts()) {
    PartLogits parts;
    expect(ParseNumber(text("backbone_logit"), parts.backbone), "backbone_logit");
    expect(ParseNumber(text("evidence_logit"), parts.evidence), "evidence_logit");
    expect(ParseNumber(text("self_made_logit"), parts.self_made), "self_made_logit");
    row.parts = parts;
  }
  for (const std::string& name : columns.attributes()) {
    row.attributes.push_back(std::numeric_limits<double>::quiet_NaN());
    const std::string& value = fields[columns.PlaceOf(name)];
    if (!value.empty()) expect(ParseNumber(value, row.attributes.back()), name);
  }
  return wrong;
}

absl::Status CheckDistinct(const std::vector<ScoreRow>& rows) {
  std::vector<const ClipInfo*> clips;
  for (const ScoreRow& row : rows) clips.push_back(&row.clip);
  const auto key = [](const ClipInfo* clip) { return std::tie(clip->chunk, clip->name); };
  std::ranges::sort(clips, {}, key);
  const auto twice = std::ranges::adjacent_find(clips, {}, key);
  if (twice == clips.end()) return absl::OkStatus();
  return DataLoss("score table: clip ", (*twice)->chunk, "/", (*twice)->name, " stands in it twice");
}

}  // namespace

std::string FormatScoreTable(const ScoreTable& table) {
  const bool parts = !table.rows.empty() && table.rows.front().parts.has_value();
  std::string text = Cat(kMark, " version=", kVersion, " rows=", table.rows.size());
  if (!table.plan_digest.empty()) text += Cat(" plan=", table.plan_digest);
  text += "\nchunk,clip,family,label,logit,fold,half,split,step,abstained,window_logits";
  if (parts) text += ",backbone_logit,evidence_logit,self_made_logit";
  for (const std::string& name : table.attributes) text += Cat(",", Field(name));
  text += '\n';
  for (const ScoreRow& row : table.rows) {
    text += Cat(Field(row.clip.chunk), ",", Field(row.clip.name), ",", Field(row.clip.family), ",",
                ToString(row.clip.label), ",", NumberText(row.logit), ",", row.clip.fold, ",",
                NameOf(kHalves, row.half), ",", ToString(row.split), ",", row.step, ",",
                row.abstained ? 1 : 0, ",", WindowText(row.windows));
    if (parts) {
      for (const double logit : {row.parts->backbone, row.parts->evidence, row.parts->self_made}) {
        text += Cat(",", NumberText(logit));
      }
    }
    for (const double value : row.attributes) text += Cat(",", std::isnan(value) ? "" : NumberText(value));
    text += '\n';
  }
  return text;
}

absl::StatusOr<ScoreTable> ParseScoreTable(std::string_view text) {
  if (text.empty()) return DataLoss("score table: it is empty");
  ICPT_ASSIGN_OR_RETURN(const Preamble preamble, TakePreamble(text));
  int line = preamble.version >= 2 ? 2 : 1;
  const auto fault = [&line](const auto&... what) {
    return DataLoss("score table, line ", line, ": ", what...);
  };
  std::vector<std::string> fields;
  if (!TakeRecord(text, fields)) return fault("the table breaks off");
  ICPT_ASSIGN_OR_RETURN(const Columns columns, Columns::Create(std::move(fields), preamble.version));
  ScoreTable table{.plan_digest = preamble.plan_digest, .attributes = columns.attributes(), .rows = {}};
  while (!text.empty()) {
    ++line;
    if (!TakeRecord(text, fields)) return fault("the table breaks off");
    if (fields.size() != columns.count()) return fault(fields.size(), " fields instead of ", columns.count());
    const std::string wrong = ReadRow(columns, fields, table.rows.emplace_back());
    if (!wrong.empty()) return fault(wrong);
  }
  if (preamble.rows.value_or(table.rows.size()) != table.rows.size()) {
    return DataLoss("score table: its first line promises ", *preamble.rows, " rows, it has ",
                    table.rows.size());
  }
  ICPT_RETURN_IF_ERROR(CheckDistinct(table.rows));
  return table;
}

}  // namespace interceptor::worker
