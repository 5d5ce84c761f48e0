/** The ImageBuild reconciler: observe, decide, act, status. */
@NullMarked
package build.kiln.operator.imagebuild;

import org.jspecify.annotations.NullMarked;
