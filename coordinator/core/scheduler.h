// Who gets which task. A member's pair goes to that member's box; when the box is gone past the handover
// time, to another connected training box that has the same chunks; back home at a chunk boundary.
#pragma once

#include "coordinator/core/draft.h"

namespace interceptor::coordinator {

// Steps of Tick.
void ReleaseMisplaced(Draft& draft);  // goes home; or the box's copy of the next chunk is another file
void GrantTasks(Draft& draft);

}  // namespace interceptor::coordinator
