/** Tests of the ImagePrunePolicy reconciler: its whole life on an API server, what it refuses. */
@NullMarked
package build.kiln.operator.imagepruning;

import org.jspecify.annotations.NullMarked;
