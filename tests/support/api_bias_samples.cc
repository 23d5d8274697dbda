#include "tests/support/api_bias_samples.h"

#include <string>

#include "common/base/status.h"

namespace interceptor::coordinator {
namespace {

void FillGap(double estimate, v1::Gap* gap) {
  gap->set_estimate(estimate);
  gap->set_low(estimate - 0.125);
  gap->set_high(estimate + 0.125);
}

v1::SliceBias* AddSlice(const std::string& slice, double false_positive, v1::BiasReport* report) {
  v1::SliceBias* added = report->add_slices();
  added->set_attribute("brightness");
  added->set_slice(slice);
  added->set_reals(40);
  added->set_fakes(60);
  added->set_real_families(40);
  added->set_fake_families(40);
  added->set_auc(0.75);
  FillGap(-false_positive, added->mutable_real_fake());
  FillGap(false_positive, added->mutable_false_positive());
  FillGap(0, added->mutable_false_negative());
  return added;
}

// Reals of dark scenes are called fake, and the next chunk shows more of them.
void FillBias(int chunk, v1::Bias* bias) {
  for (v1::BiasReport* report : {bias->mutable_before(), bias->mutable_after()}) {
    report->set_reals(60);
    report->set_fakes(90);
    report->set_abstained(2);
    report->set_spread(0.875);
    report->set_called_fake(0.5);
  }
  FillGap(-0.25, bias->mutable_before()->mutable_real_fake());
  FillGap(0.03125, bias->mutable_after()->mutable_real_fake());
  bias->mutable_after()->set_calibrated(true);
  AddSlice("dark", 0.375, bias->mutable_after())->set_alarm(true);
  AddSlice("medium", -0.1875, bias->mutable_after());
  v1::SliceBias* bright = AddSlice("bright", 0, bias->mutable_after());
  for (v1::Gap* gap :
       {bright->mutable_real_fake(), bright->mutable_false_positive(), bright->mutable_false_negative()}) {
    gap->Clear();
    gap->set_too_few(true);
  }
  for (int earlier = 1; earlier <= chunk; ++earlier) {
    v1::SliceBias* own = AddSlice(Cat("0", earlier), 0, bias->mutable_after());
    own->set_attribute("chunk");
    own->set_auc(earlier < chunk ? 0.75 : 0.8125);
  }
  v1::SamplingWeight* weight = bias->add_next_sampling();
  weight->set_attribute("brightness");
  weight->set_slice("dark");
  weight->set_share(0.1875);
}

}  // namespace

v1::ListEvaluationsResponse SampleBias() {
  v1::ListEvaluationsResponse list;
  for (const int chunk : {1, 2}) {
    v1::Evaluation* evaluation = list.add_evaluations();
    evaluation->set_specialist("LL");
    evaluation->set_kind("held_out");
    evaluation->set_chunk(chunk);
    evaluation->set_auc(0.875);
    FillBias(chunk, evaluation->mutable_bias());
  }
  return list;
}

}  // namespace interceptor::coordinator
