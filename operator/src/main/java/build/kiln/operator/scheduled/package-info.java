/**
 * Kinds that run on a schedule: when a run is due, its life from acceptance to its result, retries,
 * and the reconciler that all such kinds share. Deciding is pure.
 *
 * <p>A kind is added so:
 *
 * <ol>
 *   <li>Its spec has the fields that {@link build.kiln.operator.scheduled.Subject} is made of
 *       (schedule or interval, suspend, timeout, podTemplate, history); its status has {@code
 *       observedGeneration}, {@code conditions}, a {@link build.kiln.api.v1alpha1.ScheduledRun},
 *       the annotation's value handled last and the time of the next run.
 *   <li>{@code build.kiln.api.work} has its order, its outcome and its report, and {@code kiln run}
 *       carries it out.
 *   <li>A package of its own holds an implementation of {@link
 *       build.kiln.operator.scheduled.ScheduledKind}, which translates between the kind and what is
 *       here, and a class of three lines that extends {@link
 *       build.kiln.operator.scheduled.ScheduledReconciler}, by which JOSDK learns the type.
 *   <li>{@code KilnOperator} registers it; the chart gives the operator its rights.
 * </ol>
 *
 * <p>What belongs to a run and comes after its pod is the kind's too: {@link
 * build.kiln.operator.scheduled.ScheduledKind#follow} is asked until it is done.
 */
@NullMarked
package build.kiln.operator.scheduled;

import org.jspecify.annotations.NullMarked;
