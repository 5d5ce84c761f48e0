package build.kiln.operator.job;

import build.kiln.api.v1alpha1.FailureReason;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a Job and its pods say. */
public sealed interface JobState {
  /**
   * Nothing runs yet, or again.
   *
   * @param blocker what keeps it from running, if it has lasted
   */
  record Waiting(Optional<Blocker> blocker) implements JobState {}

  /**
   * The node says that it does not start a pod for want of user namespaces.
   *
   * @param blocker the same, to whoever did not ask for any
   */
  record NoUserNamespaces(String message, Blocker blocker) implements JobState {}

  /** A pod runs. */
  record Running(String pod) implements JobState {}

  /** It is over, and Kubernetes says why. */
  record Failed(Failure failure, @Nullable String pod) implements JobState {}

  /**
   * It is over, and why is in what the program says.
   *
   * @param code its exit code; -1 if the cluster does not know it
   * @param message its termination message; empty if it left none
   */
  record Exited(int code, String message, Pod pod) implements JobState {
    /** What it came to if the program left no word that is understood. */
    public Failure withoutWord() {
      return PodFailures.withoutWord(pod, code);
    }

    /** What it came to if the cluster ended the pod; empty if it did not. */
    public Optional<Failure> disrupted() {
      return PodFailures.disrupted(pod);
    }

    /** What it came to if the program says that it had too little memory. */
    public Failure outOfHeap() {
      return PodFailures.outOfHeap(pod);
    }

    /** The pod's name. */
    public String podName() {
      return pod.getMetadata().getName();
    }
  }

  /**
   * How a run failed by what Kubernetes says.
   *
   * @param message what happened, where, and what to do
   * @param word the program's termination message; empty if it left none
   */
  record Failure(FailureReason reason, String message, String word) {
    public Failure(FailureReason reason, String message) {
      this(reason, message, "");
    }
  }
}
