package build.kiln.operator.scheduled;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is to be done.
 *
 * @param delete names of Jobs that go: given up, or beyond the history
 * @param seal names of Jobs whose result is recorded and which may now expire
 * @param recheck when to look again at the latest, if no event comes first
 */
record Decision(
    Action action, List<String> delete, List<String> seal, @Nullable Duration recheck) {}
