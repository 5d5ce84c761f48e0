/**
 * The ImagePrunePolicy reconciler: what a kind that runs on a schedule needs to know of pruning,
 * and the Jobs of other kinds that a policy lets go.
 */
@NullMarked
package build.kiln.operator.imagepruning;

import org.jspecify.annotations.NullMarked;
