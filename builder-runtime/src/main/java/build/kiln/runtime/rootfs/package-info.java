/**
 * Root file systems for steps: layers unpacked safely, overlay or plain snapshots, and the
 * difference that a step made, as a layer.
 */
@NullMarked
package build.kiln.runtime.rootfs;

import org.jspecify.annotations.NullMarked;
