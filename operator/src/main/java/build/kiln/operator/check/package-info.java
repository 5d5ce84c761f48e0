/**
 * Tells whether an installation works, from a pod inside the cluster; the chart's {@code helm test}
 * runs it. It speaks to the operator only as users do: through the API and over HTTP.
 */
@NullMarked
package build.kiln.operator.check;

import org.jspecify.annotations.NullMarked;
