// The main function of every test program; the tests are in the folders beside this file.
#define BOOST_TEST_MODULE valleydrift
#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>

namespace {

// Appends `started NAME` and `passed NAME` for each test case to the file that VALLEYDRIFT_TALLY names, if set, so that
// cases can be counted over several programs. A case that takes the program down has started and never passes;
// Boost.Test's own report counts the cases after a crash as passed.
class Tally : public boost::unit_test::test_observer {
 public:
  Tally() {
    if (const char* path = std::getenv("VALLEYDRIFT_TALLY")) file_.open(path, std::ios::app);
    boost::unit_test::framework::register_observer(*this);
  }
  ~Tally() override { boost::unit_test::framework::deregister_observer(*this); }

  void test_unit_start(const boost::unit_test::test_unit& unit) override {
    if (unit.p_type == boost::unit_test::TUT_CASE) file_ << "started " << unit.full_name() << std::endl;
  }
  void test_unit_finish(const boost::unit_test::test_unit& unit, unsigned long) override {
    if (unit.p_type != boost::unit_test::TUT_CASE) return;
    if (boost::unit_test::results_collector.results(unit.p_id).passed())
      file_ << "passed " << unit.full_name() << std::endl;
  }
  int priority() override { return 100; }  // after the collector of results

 private:
  std::ofstream file_;
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Tally);
