package build.kiln.operator.e2e;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * A test class that runs on a real cluster with Kiln installed. Constructors and methods may take a
 * {@link Cluster} or an {@link Installation}; without the means for a cluster every test is
 * skipped. Tests run at once, since they mostly wait; what kills or asks the operator locks {@link
 * #OPERATOR}.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("e2e")
@Execution(ExecutionMode.CONCURRENT)
@ExtendWith(EndToEndExtension.class)
@interface EndToEnd {
  /** The resource of tests that need the operator to live. */
  String OPERATOR = "operator";
}
