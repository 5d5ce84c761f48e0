/**
 * What all kinds share whose work is done by Jobs: names and labels, the order's ConfigMap, the Job
 * and its pod, Secrets as files, reading how a Job stands, the queue, conditions, events, writing a
 * status. Nothing here knows what an order is about.
 */
@NullMarked
package build.kiln.operator.job;

import org.jspecify.annotations.NullMarked;
