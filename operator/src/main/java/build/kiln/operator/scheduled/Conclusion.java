package build.kiln.operator.scheduled;

import org.jspecify.annotations.Nullable;

/**
 * What a pod that ended by itself says.
 *
 * @param report all that it said; null if it left no word
 * @param <P> the kind's report
 */
public record Conclusion<P>(RunResult result, @Nullable P report) {}
