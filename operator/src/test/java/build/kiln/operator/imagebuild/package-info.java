/** Tests of the ImageBuild reconciler: its pure parts by table, its whole life on an API server. */
@NullMarked
package build.kiln.operator.imagebuild;

import org.jspecify.annotations.NullMarked;
