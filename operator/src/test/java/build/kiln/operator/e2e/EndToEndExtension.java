package build.kiln.operator.e2e;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Starts the cluster when the first test needs it and ends it with the test run. */
final class EndToEndExtension implements ExecutionCondition, ParameterResolver {
  private static final Namespace STORE = Namespace.create(EndToEndExtension.class);

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    if (context.getTestMethod().isEmpty()) {
      // Refused test by test, so that the closing count has every one.
      return ConditionEvaluationResult.enabled("decided for each test");
    }
    return Prerequisites.missing()
        .map(ConditionEvaluationResult::disabled)
        .orElseGet(() -> ConditionEvaluationResult.enabled("a cluster can be had"));
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    var type = parameter.getParameter().getType();
    return type == Cluster.class || type == Installation.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    var store = context.getRoot().getStore(STORE);
    var cluster = once(store, Cluster.class, Cluster::start);
    return parameter.getParameter().getType() == Cluster.class
        ? cluster
        : once(
            store, Installation.class, () -> Installation.install(cluster, Example.repository()));
  }

  private static <T> T once(Store store, Class<T> type, Supplier<T> start) {
    return type.cast(store.computeIfAbsent(type, key -> Attempt.of(start), Attempt.class).get());
  }

  /** A start that failed is not tried again by every test: that would take hours. */
  private record Attempt(@Nullable Object result, @Nullable Throwable failure)
      implements AutoCloseable {
    static Attempt of(Supplier<?> start) {
      try {
        return new Attempt(start.get(), null);
      } catch (RuntimeException | AssertionError e) {
        return new Attempt(null, e);
      }
    }

    Object get() {
      if (result == null) {
        throw new IllegalStateException("what the tests stand on did not start", failure);
      }
      return result;
    }

    @Override
    public void close() throws Exception {
      if (result instanceof AutoCloseable closeable) {
        closeable.close();
      }
    }
  }
}
