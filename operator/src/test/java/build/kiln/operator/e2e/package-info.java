/**
 * End to end on a real Kubernetes: Kiln's own images, built by Kiln, installed by its chart, and
 * manifests applied as a user would. One cluster serves all classes; where it cannot be had, each
 * test is skipped and says why.
 */
@NullMarked
package build.kiln.operator.e2e;

import org.jspecify.annotations.NullMarked;
