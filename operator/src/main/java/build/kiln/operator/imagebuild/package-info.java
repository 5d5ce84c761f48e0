/**
 * The ImageBuild reconciler: observe, decide, act, status. Deciding, reading a Job's end and making
 * Jobs and statuses are pure functions; what talks to the API server is around them.
 */
@NullMarked
package build.kiln.operator.imagebuild;

import org.jspecify.annotations.NullMarked;
