/** The Helm chart, rendered by helm and held to what the operator and the documentation say. */
@NullMarked
package build.kiln.operator.chart;

import org.jspecify.annotations.NullMarked;
